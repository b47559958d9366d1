//! `sort` and `dedup` of arrays with a script's function.
//!
//! Rhai's own functions treat an error of that function as an answer and go on. After the time limit,
//! sorting a million items would still make twenty million calls.

use std::cmp::Ordering;

use pe_binding::script::{ScriptResult, runtime_error};
use rhai::{Array, Dynamic, Engine, FnPtr, NativeCallContext};

use super::own;

pub(super) fn register(engine: &mut Engine) {
    for name in ["sort", "sort_by"] {
        own(name).register_into_engine(
            engine,
            |context: NativeCallContext, array: &mut Array, compare: FnPtr| {
                sort(&context, array, &compare)
            },
        );
    }
    own("dedup").register_into_engine(
        engine,
        |context: NativeCallContext, array: &mut Array, same: FnPtr| dedup(&context, array, &same),
    );
}

/// Sorts an array. If the function fails, the array stays as it was.
fn sort(context: &NativeCallContext, array: &mut Array, compare: &FnPtr) -> ScriptResult<()> {
    let before = |a: usize, b: usize| {
        let arguments = [array[a].clone(), array[b].clone()];
        ordering(&compare.call_raw(context, None, arguments)?).map(Ordering::is_lt)
    };
    let order = merge_sort(array.len(), before)?;
    let mut items: Vec<Option<Dynamic>> = array.drain(..).map(Some).collect();
    array.extend(order.into_iter().filter_map(|at| items[at].take()));
    Ok(())
}

/// Converts the result of the script's function to an ordering of its two arguments.
fn ordering(said: &Dynamic) -> ScriptResult<Ordering> {
    if let Ok(int) = said.as_int() {
        return Ok(int.cmp(&0));
    }
    match said.as_bool() {
        Ok(true) => Ok(Ordering::Less),
        Ok(false) => Ok(Ordering::Greater),
        Err(found) => {
            let message = format!(
                "the function that sorts gives an int, below 0 where its first argument comes first, \
                 or a bool; found a {found}"
            );
            let hint = "as in `array.sort(|a, b| a < b)`";
            Err(runtime_error("argument.invalid", &message, Some(hint)))
        }
    }
}

/// Stable merge sort of the indices `0..n`. Written here because `before` may fail, which ends the sort,
/// and because a function that contradicts itself must do no harm: any answers give a permutation.
fn merge_sort<E>(
    n: usize,
    before: impl Fn(usize, usize) -> Result<bool, E>,
) -> Result<Vec<usize>, E> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut width = 1;
    while width < n {
        let mut merged = Vec::with_capacity(n);
        for run in order.chunks(2 * width) {
            let (mut left, mut right) = run.split_at(width.min(run.len()));
            while let (Some((&a, rest_a)), Some((&b, rest_b))) =
                (left.split_first(), right.split_first())
            {
                // Equal items keep their order: the right one goes first only if it is less.
                if before(b, a)? {
                    merged.push(b);
                    right = rest_b;
                } else {
                    merged.push(a);
                    left = rest_a;
                }
            }
            merged.extend(left);
            merged.extend(right);
        }
        order = merged;
        width *= 2;
    }
    Ok(order)
}

/// Removes each item that is the same as the last one that was kept.
fn dedup(context: &NativeCallContext, array: &mut Array, same: &FnPtr) -> ScriptResult<()> {
    let mut kept: Vec<bool> = Vec::with_capacity(array.len());
    let mut last: Option<&Dynamic> = None;
    for item in array.iter() {
        let again = match last {
            Some(last) => {
                let said = same.call_raw(context, None, [last.clone(), item.clone()])?;
                said.as_bool().unwrap_or(false)
            }
            None => false,
        };
        if !again {
            last = Some(item);
        }
        kept.push(!again);
    }
    let mut kept = kept.into_iter();
    array.retain(|_| kept.next().unwrap_or(true));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_sorts_stably_and_stops_at_the_first_error() {
        let check = |keys: &[i32], expected: &[usize]| {
            let before = |a: usize, b: usize| Ok::<_, ()>(keys[a] < keys[b]);
            assert_eq!(
                merge_sort(keys.len(), before).unwrap(),
                expected,
                "{keys:?}"
            );
        };
        check(&[], &[]);
        check(&[5], &[0]);
        check(&[2, 1, 2, 1, 2, 0, 1], &[5, 1, 3, 6, 0, 2, 4]);
        check(&[1, 2, 3, 4, 5, 6], &[0, 1, 2, 3, 4, 5]);
        check(&[1, 1, 1], &[0, 1, 2]);
        let asked = std::cell::Cell::new(0);
        let failing = |_, _| {
            asked.set(asked.get() + 1);
            Err(())
        };
        assert_eq!(merge_sort(100, failing), Err(()));
        assert_eq!(asked.get(), 1);
        // A function that contradicts itself still gives every index once.
        let mut all = merge_sort(50, |_, _| Ok::<_, ()>(true)).unwrap();
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>());
    }
}
