//! What the timing examples take: a backbone, a batch, a size.

use std::error::Error;

use pe_nn::tch::{Device, Kind, Tensor, manual_seed};
use pe_nn::{Backbone, BackboneKind, Request, choose};

/// A network and an input for it, both with channels last in memory.
pub struct Timed {
    pub kind: BackboneKind,
    pub device: Device,
    pub network: Backbone,
    pub input: Tensor,
}

/// A number on the command line, or its default.
pub fn number(arguments: &[String], place: usize, default: i64) -> Result<i64, Box<dyn Error>> {
    Ok(match arguments.get(place) {
        Some(text) => text.parse()?,
        None => default,
    })
}

impl Timed {
    /// From backbone, batch, rows and columns, and slices (R3D-18 only).
    pub fn of(arguments: &[String]) -> Result<Self, Box<dyn Error>> {
        let kind: BackboneKind = arguments.first().ok_or("expected a backbone")?.parse()?;
        let number = |place, default| number(arguments, place, default);
        let (n, side, n_slices) = (number(1, 4)?, number(2, 112)?, number(3, 16)?);
        let device = choose(Request::Auto)?.device();
        manual_seed(0);
        let mut network = Backbone::new(kind, 1, device)?;
        network.channels_last()?;
        let options = (Kind::Float, device);
        // Axes with the channels last in memory, and in PyTorch's order for the network.
        let input = if !kind.is_3d() {
            Tensor::f_randn([n, side, side, 3], options)?.f_permute([0, 3, 1, 2])?
        } else {
            Tensor::f_randn([n, n_slices, side, side, 3], options)?.f_permute([0, 4, 1, 2, 3])?
        };
        Ok(Self {
            kind,
            device,
            network,
            input,
        })
    }
}
