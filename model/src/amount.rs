//! Amounts with a unit, such as the size of a package.

/// An amount with a unit: 12 packs of 330 ml are 3,960 ml in 12 pieces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amount {
    /// In the base unit of its [`Unit`]; above 0.
    pub total: f32,
    /// The unit.
    pub unit: Unit,
    /// Number of pieces; 1 if unknown.
    pub pieces: f32,
}

/// The dimension of an amount, with its base unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// In grams.
    Mass,
    /// In millilitres.
    Volume,
    /// In pieces.
    Count,
    /// In metres.
    Length,
    /// In square metres.
    Area,
    /// In cartons or cases of unknown content.
    Carton,
}

impl Unit {
    /// All units, in the order of their stored numbers.
    pub const ALL: [Self; 6] = [Self::Mass, Self::Volume, Self::Count, Self::Length, Self::Area, Self::Carton];
}

/// Maximum number of packages that can replace one: a larger ratio is a box for delivery to the shop, not an item for
/// sale.
pub(crate) const MOST: f32 = 24.0;

impl Amount {
    /// The other amount divided by this one; `None` if the two cannot be compared. A gram equals a millilitre: an ounce
    /// may be either, and food and drink are about as dense as water.
    pub fn times(&self, other: &Self) -> Option<f32> {
        let is_weighed = |unit| matches!(unit, Unit::Mass | Unit::Volume);
        if self.unit == other.unit || is_weighed(self.unit) && is_weighed(other.unit) {
            return Some(other.total / self.total);
        }
        // "6 CT" and "12 OZ/6 CT"
        let pieces = |amount: &Self| match amount.unit {
            Unit::Count => Some(amount.total),
            Unit::Carton => None,
            _ => Some(amount.pieces).filter(|pieces| *pieces > 1.0),
        };
        Some(pieces(other)? / pieces(self)?)
    }

    /// True if one is a carton and the other is not: a pack does not stand in for a carton.
    pub fn is_other_package(&self, other: &Self) -> bool {
        (self.unit == Unit::Carton) != (other.unit == Unit::Carton)
    }

    /// Number of the other that replaces one of this: the smallest with at least the same amount, with a tolerance of a
    /// tenth of one. `None` if the two cannot be compared or the ratio is too large.
    pub fn instead(&self, other: &Self) -> Option<u32> {
        const TENTH: f32 = 0.1;
        let times = 1.0 / self.times(other)?;
        (times <= MOST).then(|| (times - TENTH).ceil().max(1.0) as u32)
    }
}

/// Likeness of a ratio: 1 if equal, 0 for a factor of √2, -1 from a factor of 2 on.
pub(crate) fn ratio_likeness(times: f32) -> f32 {
    if times > 0.0 && times.is_finite() { 1.0 - (2.0 * times.log2().abs()).min(2.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(total: f32, unit: Unit, pieces: f32) -> Amount {
        Amount { total, unit, pieces }
    }

    #[test]
    fn amounts_are_compared_where_they_can_be() {
        let (kilo, half, litre) =
            (of(1000.0, Unit::Mass, 1.0), of(500.0, Unit::Mass, 1.0), of(1000.0, Unit::Volume, 1.0));
        assert_eq!((kilo.times(&half), half.times(&kilo), kilo.times(&litre)), (Some(0.5), Some(2.0), Some(1.0)));
        let (six, of_six) = (of(6.0, Unit::Count, 1.0), of(340.0, Unit::Mass, 6.0));
        assert_eq!((six.times(&of_six), six.times(&half)), (Some(1.0), None));
        let carton = of(1.0, Unit::Carton, 1.0);
        assert!(carton.is_other_package(&six) && !six.is_other_package(&half) && !carton.is_other_package(&carton));
        assert_eq!(carton.times(&six), None);
    }

    #[test]
    fn as_many_as_make_up_for_one() {
        let mass = |total| of(total, Unit::Mass, 1.0);
        let instead = |one, other| mass(one).instead(&mass(other));
        assert_eq!(instead(1000.0, 500.0), Some(2));
        assert_eq!(instead(1000.0, 480.0), Some(2));
        assert_eq!(instead(1000.0, 400.0), Some(3));
        assert_eq!(instead(500.0, 1000.0), Some(1));
        assert_eq!((instead(1000.0, 50.0), instead(1000.0, 20.0)), (Some(20), None));
        assert_eq!(mass(1.0).instead(&of(6.0, Unit::Count, 1.0)), None);
    }
}
