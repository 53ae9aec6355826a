//! Whether the classes have images enough, and as many as each other, for figures that mean something.

use crate::text::{count, printable};

/// From so many times as many training images in one class as in another on, accuracy says little.
pub const UNEVEN: usize = 5;

/// With fewer test images of a class than this, each moves the class's accuracy by more than 20 points.
pub const FEW: usize = 5;

/// What is doubtful about results with so many training and test images of every class. Classes without any are not
/// spoken of.
pub fn doubts(classes: &[String], train: &[usize], test: &[usize]) -> Vec<String> {
    let doubts = [one_class(classes), uneven(classes, train), few(classes, test)];
    doubts.into_iter().flatten().collect()
}

fn one_class(classes: &[String]) -> Option<String> {
    let [only] = classes else { return None };
    Some(format!(
        "there is one class, '{}': every answer is right, whatever the network learns. Give a folder of images for \
         each of two classes or more",
        printable(only)
    ))
}

fn uneven(classes: &[String], train: &[usize]) -> Option<String> {
    let counted = || classes.iter().zip(train).filter(|(_, images)| **images > 0);
    let (most, largest) = counted().max_by_key(|(_, images)| **images)?;
    let (least, smallest) = counted().min_by_key(|(_, images)| **images)?;
    (*largest >= UNEVEN * smallest).then(|| {
        format!(
            "the class '{}' has {} and '{}' {smallest}: a network that often guesses the large classes has a high \
             accuracy. Look at the accuracy of each class, or balance them with `limit_train`",
            printable(most),
            count(*largest, "training image"),
            printable(least)
        )
    })
}

fn few(classes: &[String], test: &[usize]) -> Option<String> {
    const SHOWN: usize = 5;
    let few: Vec<_> = classes
        .iter()
        .zip(test)
        .filter(|(_, images)| (1..FEW).contains(*images))
        .collect();
    let shown = few
        .iter()
        .take(SHOWN)
        .map(|(class, images)| format!("'{}' {images}", printable(class)));
    let more = few.len().saturating_sub(SHOWN);
    let rest = (more > 0).then(|| format!("and {more} more"));
    let shown: Vec<String> = shown.chain(rest).collect();
    let have = if few.len() == 1 { "has" } else { "have" };
    (!few.is_empty()).then(|| {
        format!(
            "{} of {} classes {have} fewer than {FEW} test images ({}): one image more or less that is right \
             changes the accuracy of such a class by more than 20 points",
            few.len(),
            classes.len(),
            shown.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(number: usize) -> Vec<String> {
        (0..number).map(|class| format!("c{class}")).collect()
    }

    #[test]
    fn classes_of_like_sizes_and_enough_test_images_leave_no_doubt() {
        assert!(doubts(&classes(2), &[100, 499], &[5, 5]).is_empty());
        assert!(doubts(&classes(3), &[0, 7, 7], &[0, 9, 9]).is_empty());
        assert!(doubts(&[], &[], &[]).is_empty());
    }

    #[test]
    fn five_times_the_images_of_another_class_are_too_many() {
        let said = doubts(&classes(3), &[500, 100, 300], &[9, 9, 9]);
        assert_eq!(said.len(), 1);
        assert!(
            said[0].starts_with("the class 'c0' has 500 training images and 'c1' 100: "),
            "{said:?}"
        );
    }

    #[test]
    fn classes_with_fewer_than_five_test_images_are_named_and_counted() {
        let said = doubts(&classes(9), &[10; 9], &[4, 1, 5, 0, 2, 3, 4, 4, 4]);
        assert_eq!(said.len(), 1);
        let start =
            "7 of 9 classes have fewer than 5 test images ('c0' 4, 'c1' 1, 'c4' 2, 'c5' 3, 'c6' 4, and 2 more): ";
        assert!(said[0].starts_with(start), "{said:?}");
    }

    #[test]
    fn a_single_class_is_told_in_plain_words() {
        let said = doubts(&classes(1), &[10], &[10]);
        assert!(
            said.len() == 1 && said[0].starts_with("there is one class, 'c0': every answer is right"),
            "{said:?}"
        );
    }
}
