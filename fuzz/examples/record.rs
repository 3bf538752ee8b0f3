//! Writes the recorded connections into `seeds/`.

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    for target in pollback_fuzz::targets() {
        // Both engines run the recordings of either.
        let (engine, folder) = match target.strip_suffix("-next") {
            Some(folder) => ("-next", folder),
            None => ("", target),
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("seeds")
            .join(folder);
        fs::create_dir_all(&folder)?;
        for (name, input) in pollback_fuzz::seeds(target) {
            fs::write(folder.join(format!("{name}{engine}")), input)?;
        }
    }
    Ok(())
}
