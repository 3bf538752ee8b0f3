//! Inputs that are derived from other inputs, deterministically.

/// The maximum number of bytes that are inserted.
const LONGEST: usize = 64;

/// Changes inputs at random, with a fixed seed.
pub(crate) struct Generator {
    parents: Vec<Vec<u8>>,
    state: u64,
}

impl Generator {
    pub(crate) fn new(parents: Vec<Vec<u8>>) -> Self {
        Self {
            parents,
            state: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// The next input: noise, or a parent with up to eight changes.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        if self.below(4) == 0 {
            return self.noise(4 * LONGEST);
        }
        let index = self.below(self.parents.len());
        let mut input = self.parents[index].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut input);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match self.below(6) {
            0 => input.truncate(at),
            1 => {
                let noise = self.noise(LONGEST);
                input.splice(at..at, noise);
            }
            2 => {
                let end = (at + self.below(LONGEST)).min(input.len());
                input.drain(at..end);
            }
            3 => {
                let again = input[at..]
                    .iter()
                    .copied()
                    .take(LONGEST)
                    .collect::<Vec<_>>();
                input.extend(again);
            }
            _ => {
                let value = self.below(256) as u8;
                if let Some(byte) = input.get_mut(at) {
                    *byte = value;
                }
            }
        }
    }

    fn noise(&mut self, longest: usize) -> Vec<u8> {
        (0..self.below(longest))
            .map(|_| self.below(256) as u8)
            .collect()
    }

    fn below(&mut self, bound: usize) -> usize {
        // Xorshift (Marsaglia 2003): short, and enough to vary inputs.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 32) as usize % bound
    }
}
