//! Writes the recorded connections into `seeds/`.

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    for target in pollback_fuzz::targets() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
        fs::create_dir_all(&folder)?;
        for (name, input) in pollback_fuzz::seeds(target) {
            fs::write(folder.join(name), input)?;
        }
    }
    Ok(())
}
