//! Choices made by the bytes of an input.

/// Parses an input. At its end every choice is the first one.
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A length up to 65,535; small ones are as likely as large ones.
    pub(super) fn length(&mut self) -> usize {
        match self.byte() {
            small @ 0..=127 => usize::from(small),
            big => usize::from(big & 127) << 8 | usize::from(self.byte()),
        }
    }

    pub(super) fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    /// A list of at most `limit` items.
    pub(super) fn list<T>(&mut self, limit: u8, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.byte() % (limit + 1);
        (0..count).map(|_| item(self)).collect()
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }
}
