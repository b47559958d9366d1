//! Counts the voxels of each HU. HU are 16-bit integers, so one count per value loses nothing:
//! means and percentiles are exact, without sorting a hundred million voxels.

/// Number of values of an `i16`.
const VALUES: usize = 1 << 16;

/// Counts of HU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
}

impl Histogram {
    /// Creates a histogram without voxels.
    pub fn empty() -> Self {
        Self {
            counts: vec![0; VALUES],
        }
    }

    /// Counts one voxel.
    pub fn count(&mut self, hu: i16) {
        self.counts[index(hu)] += 1;
    }

    /// Adds the counts of another histogram.
    pub fn merged(mut self, other: &Self) -> Self {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self
    }

    /// The number of voxels.
    pub fn n_voxels(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Iterates over the HU that occur, ascending, with their counts.
    pub fn occurring(&self) -> impl Iterator<Item = (i16, u64)> + '_ {
        let all = (i16::MIN..=i16::MAX).zip(self.counts.iter().copied());
        all.filter(|(_, count)| *count > 0)
    }

    /// Returns the HU of the voxel at `rank`, from 0, in ascending order; `None` beyond the last
    /// one.
    pub fn at_rank(&self, rank: u64) -> Option<i16> {
        let mut below = 0;
        let reached = self.occurring().find(|(_, count)| {
            below += count;
            rank < below
        });
        reached.map(|(hu, _)| hu)
    }
}

fn index(hu: i16) -> usize {
    (i32::from(hu) - i32::from(i16::MIN)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_sorted_voxels() {
        let voxels = [i16::MIN, -1000, 40, 40, 40, i16::MAX];
        let mut histogram = Histogram::empty();
        for hu in [40, i16::MAX, -1000, 40, i16::MIN, 40] {
            histogram.count(hu);
        }
        assert_eq!(histogram.n_voxels(), 6);
        for (rank, hu) in voxels.into_iter().enumerate() {
            assert_eq!(histogram.at_rank(rank as u64), Some(hu), "rank {rank}");
        }
        assert_eq!(histogram.at_rank(6), None);
        assert_eq!(histogram.clone().merged(&histogram).n_voxels(), 12);
    }
}
