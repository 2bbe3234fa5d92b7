//! The crate under another name, and its parts without it: noticed in the manifest.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The names under which a package of the test has trine, and a program that uses the attributes
/// there.
struct Case {
    name: &'static str,
    dependencies: &'static str,
    program: &'static str,
}

const CASES: [Case; 2] = [
    Case {
        name: "umbrella",
        dependencies: "structured = { package = \"trine\", path = \"{crates}/trine\" }",
        program: "
            #[structured::main]
            async fn main() {
                structured::checkpoint().await;
            }

            #[structured::test(autojump, timeout = \"5s\")]
            async fn jumps() {
                structured::sleep(std::time::Duration::from_secs(3600)).await;
            }
        ",
    },
    Case {
        name: "parts",
        dependencies: "
            attributes = { package = \"trine-macros\", path = \"{crates}/trine-macros\" }
            kit = { package = \"trine-testing\", path = \"{crates}/trine-testing\" }
            engine = { package = \"trine-core\", path = \"{crates}/trine-core\" }
        ",
        program: "
            #[attributes::main]
            async fn main() {
                engine::checkpoint().await;
            }

            #[attributes::test(seeds = 3)]
            async fn repeats() {
                engine::checkpoint().await;
            }
        ",
    },
];

fn write_package(case: &Case, folder: &Path) -> Result<(), Box<dyn Error>> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no folder of crates")?;
    let dependencies = case.dependencies.replace("{crates}", &crates.display().to_string());
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/main.rs"), case.program)?;
    // The versions of the workspace, so that nothing is fetched.
    fs::copy(crates.join("../Cargo.lock"), folder.join("Cargo.lock"))?;
    let manifest = format!(
        "[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\n{dependencies}\n",
        case.name
    );
    Ok(fs::write(folder.join("Cargo.toml"), manifest)?)
}

/// Programs that have the crate, or its parts, under names of their own compile and run.
#[test]
#[ignore = "compiles packages of its own, which takes some seconds"]
fn other_names_are_noticed() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("renamed");
    for case in &CASES {
        let package = folder.join(case.name);
        write_package(case, &package)?;
        for verb in ["run", "test"] {
            let status = Command::new(env::var_os("CARGO").ok_or("not run by cargo")?)
                .args([verb, "--quiet", "--offline", "--manifest-path"])
                .arg(package.join("Cargo.toml"))
                .arg("--target-dir")
                .arg(folder.join("target"))
                .status()?;
            assert!(status.success(), "cargo {verb} of {}", case.name);
        }
    }
    Ok(())
}
