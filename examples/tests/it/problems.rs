//! What `dupes` cannot look at is reported, and holds up nothing.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::dupes::hash::{Extent, Hasher};
use crate::dupes::progress::Progress;
use crate::dupes::walk::{check_roots, list};
use crate::tree::{groups, options, report};

#[test]
fn paths_at_which_there_is_nothing_are_refused_all_at_once() {
    let root = tempdir().unwrap();
    let paths = ["there", "gone", "away"].map(|name| root.path().join(name));
    fs::write(&paths[0], "text").unwrap();
    let problems = check_roots(&paths).unwrap_err();
    let shown: Vec<_> = problems.iter().map(|problem| problem.path.clone()).collect();
    assert_eq!(shown, paths[1..]);
    assert!(problems[0].to_string().contains("gone: "));
    assert_eq!(check_roots(&paths[..1]), Ok(()));
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_are_listed_and_change_the_exit_status() {
    use std::os::unix::fs::symlink;

    let root = tempdir().unwrap();
    let name = |name| root.path().join(name);
    for file in ["a", "b"] {
        fs::write(name(file), "text").unwrap();
    }
    symlink("a", name("good")).unwrap();
    symlink("gone", name("broken")).unwrap();
    symlink(".", name("around")).unwrap();
    symlink("itself", name("itself")).unwrap();
    let found = report(&options(&[root.path()], 2));
    assert_eq!(groups(&found), [[name("a"), name("b")]]);
    let problems: Vec<_> = found.findings.problems.iter().map(|p| p.path.clone()).collect();
    assert_eq!(problems, [name("broken"), name("itself")]);
    assert_eq!(found.exit_code(), 1);
    assert!(found.to_string().contains("not looked at:\n"));
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_listed_also_if_it_is_alone_of_its_size() {
    use std::os::unix::fs::PermissionsExt;

    let root = tempdir().unwrap();
    let name = |name| root.path().join(name);
    fs::write(name("a"), "text").unwrap();
    fs::write(name("b"), "text").unwrap();
    fs::write(name("secret"), "of another size").unwrap();
    fs::create_dir(name("closed")).unwrap();
    for secret in ["secret", "closed"] {
        fs::set_permissions(name(secret), fs::Permissions::from_mode(0o000)).unwrap();
    }
    if fs::read_dir(name("closed")).is_ok() {
        return; // nothing is closed to the superuser
    }
    let found = report(&options(&[root.path()], 2));
    let problems: Vec<_> = found.findings.problems.iter().map(|p| p.path.clone()).collect();
    assert_eq!(problems, [name("closed"), name("secret")]);
    assert_eq!((groups(&found), found.exit_code()), (vec![vec![name("a"), name("b")]], 1));
}

#[test]
fn a_folder_that_is_gone_by_now_is_a_problem_and_no_end() {
    let root = tempdir().unwrap();
    fs::write(root.path().join("a"), "text").unwrap();
    let gone = root.path().join("gone");
    let listing = list(vec![root.path().to_owned(), gone.clone()]);
    assert_eq!((listing.files.len(), &listing.problems[0].path), (1, &gone));
}

#[test]
fn a_file_that_has_changed_is_no_duplicate_of_anything() {
    let root = tempdir().unwrap();
    let path = root.path().join("file");
    fs::write(&path, "12345").unwrap();
    let progress = Progress::new();
    let mut hasher = Hasher::new(&progress);
    let mut hash = |path: &Path, size| hasher.hash(path, size, Extent::Whole);
    assert_eq!(hash(&path, 5).unwrap(), blake3::hash(b"12345"));
    for other_size in [4, 6, 500_000] {
        let error = hash(&path, other_size).unwrap_err();
        assert_eq!(error.to_string(), "it changed while it was read", "{other_size}");
    }
}
