//! The shrinker: from a schedule under which a test fails to the few choices that make it fail.
//!
//! The choices of the failing run are taken back in ever smaller parts, as long as the test still
//! fails without them (Zeller's delta debugging); what is left is taken back one pair of tasks at a
//! time. Should more than one pair be left of a choice, a single pair of neighbours is tried in its
//! place: that one task runs before another is easier to think about than that it runs before
//! three.

use crate::schedule::{Choices, Order};

/// So many runs at most: a test that takes a second should not take minutes to explain.
const MOST_RUNS: usize = 300;

/// Finds a schedule with few choices for which `fails` still holds, as it does for `choices`.
pub(crate) fn shrink(choices: Choices, mut fails: impl FnMut(&Choices) -> bool) -> Choices {
    let mut left = MOST_RUNS;
    let mut fails = |choices: &Choices| {
        left = left.saturating_sub(1);
        left > 0 && fails(choices)
    };
    let fewer = take_back_parts(choices, &mut fails);
    take_back_pairs(fewer, &mut fails)
}

fn take_back_parts(mut choices: Choices, fails: &mut impl FnMut(&Choices) -> bool) -> Choices {
    let mut part = choices.len().div_ceil(2);
    while part > 0 && !choices.is_empty() {
        let numbers: Vec<usize> = choices.keys().copied().collect();
        let mut changed = false;
        for chunk in numbers.chunks(part) {
            let mut fewer = choices.clone();
            fewer.retain(|number, _| !chunk.contains(number));
            if fails(&fewer) {
                choices = fewer;
                changed = true;
            }
        }
        if !changed || part > choices.len() {
            part /= 2;
        }
    }
    choices
}

fn take_back_pairs(mut choices: Choices, fails: &mut impl FnMut(&Choices) -> bool) -> Choices {
    let numbers: Vec<usize> = choices.keys().copied().collect();
    for number in numbers {
        while let Some(simpler) = simpler(&choices, number).into_iter().find(&mut *fails) {
            choices = simpler;
        }
        if let Some(simplest) = simplest(&choices, number).into_iter().find(&mut *fails) {
            choices = simplest;
        }
    }
    choices
}

/// Each way of swapping two neighbours of a choice back.
fn simpler(choices: &Choices, number: usize) -> Vec<Choices> {
    let order: Order = choices.get(&number).cloned().unwrap_or_default();
    let inverted = (1..order.len()).filter(|at| order[at - 1] > order[*at]);
    let swapped = inverted.map(|at| {
        let mut choices = choices.clone();
        if let Some(order) = choices.get_mut(&number) {
            order.swap(at - 1, at);
            if order.is_sorted() {
                choices.remove(&number);
            }
        }
        choices
    });
    swapped.collect()
}

/// Each swap of two neighbours instead of a choice that is more than that.
fn simplest(choices: &Choices, number: usize) -> Vec<Choices> {
    let Some(order) = choices.get(&number) else { return Vec::new() };
    let usual: Order = (0..order.len()).collect();
    let moved = order.iter().zip(&usual).filter(|(place, usual)| place != usual);
    if moved.count() <= 2 {
        return Vec::new();
    }
    let swapped = (1..usual.len()).map(|at| {
        let mut order = usual.clone();
        order.swap(at - 1, at);
        let mut choices = choices.clone();
        choices.insert(number, order);
        choices
    });
    swapped.collect()
}

#[cfg(test)]
mod tests {
    use super::shrink;
    use crate::schedule::Choices;

    /// Of many choices the two that matter are left, each with the one swap that matters.
    #[test]
    fn finds_what_matters() {
        let all: Choices = (0..40).map(|number| (number, vec![2, 1, 0])).collect();
        let ahead = |choices: &Choices, number, a: usize, b: usize| {
            let order = choices.get(&number).cloned().unwrap_or_else(|| vec![0, 1, 2]);
            let place = |task| order.iter().position(|other| *other == task);
            place(a) < place(b)
        };
        let fails = |choices: &Choices| ahead(choices, 7, 2, 1) && ahead(choices, 31, 1, 0);
        let few = shrink(all, fails);
        assert_eq!(few, Choices::from([(7, vec![0, 2, 1]), (31, vec![1, 0, 2])]));
    }

    /// That the last task runs before any other one is what matters: one pair tells it.
    #[test]
    fn finds_a_pair_that_was_not_chosen() {
        let fails =
            |choices: &Choices| choices.get(&3).is_some_and(|order| order.last() != Some(&3));
        let few = shrink(Choices::from([(3, vec![1, 2, 3, 0])]), fails);
        assert_eq!(few, Choices::from([(3, vec![0, 1, 3, 2])]));
    }

    /// A failure that is not about the schedule needs no choice.
    #[test]
    fn may_find_that_nothing_matters() {
        let all: Choices = (0..9).map(|number| (number, vec![1, 0])).collect();
        assert!(shrink(all, |_| true).is_empty());
    }
}
