//! Huffman codes of JPEG and the reader of their bits (ISO 10918-1 annexes C and F).

/// One Huffman table.
pub(super) struct Table {
    /// For each code length from 1 bit: the first code, and the index of its symbol.
    first: [(i32, usize); 16],
    /// For each code length: the last code plus 1.
    end: [i32; 16],
    symbols: Vec<u8>,
}

impl Table {
    /// Reads a table's counts and symbols (section B.2.4.2); returns the bytes after it.
    pub fn read(segment: &[u8]) -> Result<(Self, &[u8]), String> {
        let early = "a Huffman table ends early";
        let (counts, rest) = segment.split_first_chunk::<16>().ok_or(early)?;
        let n_symbols = counts.iter().copied().map(usize::from).sum();
        let (symbols, rest) = rest.split_at_checked(n_symbols).ok_or(early)?;
        let mut table = Self {
            first: [(0, 0); 16],
            end: [0; 16],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut symbol) = (0, 0);
        for (length, &count) in counts.iter().enumerate() {
            table.first[length] = (code, symbol);
            code += i32::from(count);
            symbol += usize::from(count);
            table.end[length] = code;
            code <<= 1;
        }
        Ok((table, rest))
    }
}

/// The bits of entropy-coded data, up to the next marker.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    pos: usize,
    byte: u8,
    left: u8,
}

impl<'a> Bits<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            pos: 0,
            byte: 0,
            left: 0,
        }
    }

    /// Number of bytes consumed so far.
    pub fn consumed(&self) -> usize {
        self.pos
    }

    fn bit(&mut self) -> Result<i32, String> {
        if self.left == 0 {
            let early = "the JPEG scan ends early";
            self.byte = *self.data.get(self.pos).ok_or(early)?;
            self.pos += 1;
            // A zero byte follows every 0xFF that begins no marker (section B.1.1.5).
            if self.byte == 0xFF {
                if self.data.get(self.pos) != Some(&0) {
                    return Err(early.into());
                }
                self.pos += 1;
            }
            self.left = 8;
        }
        self.left -= 1;
        Ok(i32::from(self.byte >> self.left & 1))
    }

    /// Decodes the next symbol (figure F.16).
    pub fn symbol(&mut self, table: &Table) -> Result<u8, String> {
        let mut code = 0;
        for length in 0..16 {
            code = code << 1 | self.bit()?;
            let (first, symbol) = table.first[length];
            if code < table.end[length] && code >= first {
                return Ok(table.symbols[symbol + (code - first) as usize]);
            }
        }
        Err("a code that is in no Huffman table".into())
    }

    /// Reads a number of `size` bits; it is negative if its first bit is 0 (figures F.12 and F.17).
    pub fn signed(&mut self, size: u8) -> Result<i32, String> {
        let mut value = 0;
        for _ in 0..size {
            value = value << 1 | self.bit()?;
        }
        let is_negative = size > 0 && value < 1 << (size - 1);
        Ok(if is_negative {
            value - (1 << size) + 1
        } else {
            value
        })
    }

    /// Skips past the next restart marker, which must follow.
    pub fn restart(&mut self) -> Result<(), String> {
        self.left = 0;
        while self.data.get(self.pos) == Some(&0xFF) && self.data.get(self.pos + 1) == Some(&0xFF) {
            self.pos += 1;
        }
        match self.data.get(self.pos..self.pos + 2) {
            Some(&[0xFF, 0xD0..=0xD7]) => {
                self.pos += 2;
                Ok(())
            }
            _ => Err("expected a restart marker".into()),
        }
    }
}
