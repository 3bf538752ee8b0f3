//! quick
use pollback_peers::peer::*;
use pollback_peers::work::*;

fn counted_row(name: &str, row: &Row) {
    let c = match name {
        "pollback" => counted::<Pollback>(row, row.counted),
        "tokio-rustls" => counted::<TokioRustls>(row, row.counted),
        "tokio-openssl" => counted::<TokioOpenssl>(row, row.counted),
        _ => counted::<Tcp>(row, row.counted),
    }.unwrap();
    println!("{:13} {:13} {:?}", row.name, name, c);
}

const PEERS: [&str; 4] = ["pollback", "tokio-rustls", "tokio-openssl", "tcp"];

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.len() > 3 {
        let row = ROWS.iter().find(|r| r.name == args[1]).unwrap();
        let n: f64 = args[3].parse().unwrap();
        let n = (row.timed as f64 * n) as usize;
        let t = match args[2].as_str() {
            "pollback" => timed::<Pollback>(row, n),
            "tokio-rustls" => timed::<TokioRustls>(row, n),
            "tokio-openssl" => timed::<TokioOpenssl>(row, n),
            _ => timed::<Tcp>(row, n),
        }.unwrap();
        println!("{} {:.3} {:.3}", args[2], t.processor.as_secs_f64() * 1e6 / n as f64, t.wall.as_secs_f64() * 1e6 / n as f64);
        return;
    }
    if args.len() > 2 {
        let rounds: usize = args[2].parse().unwrap();
        for row in ROWS.iter().filter(|r| args[1] == "all" || r.name == args[1]) {
            let mut all = vec![vec![]; 4];
            let mut walls = vec![vec![]; 4];
            for round in 0..rounds {
                for i in 0..4 {
                    let i = (i + round) % 4;
                    let out = std::process::Command::new(&args[0]).args([row.name, PEERS[i], "1"]).output().unwrap();
                    let text = String::from_utf8(out.stdout).unwrap();
                    let v: Vec<f64> = text.split_whitespace().skip(1).map(|x| x.parse().unwrap()).collect();
                    all[i].push(v[0]);
                    walls[i].push(v[1]);
                }
            }
            for v in all.iter_mut().chain(walls.iter_mut()) { v.sort_by(f64::total_cmp); }
            let base = all[1][rounds / 2];
            for i in 0..4 {
                println!("{:13} {:13} cpu us/{} median {:9.2} min {:9.2} max {:9.2} ratio {:.3} (min {:.3}) wall median {:9.2}", row.name, PEERS[i], row.unit.name(), all[i][rounds/2], all[i][0], all[i][rounds-1], all[i][rounds/2]/base, all[i][0]/all[1][0], walls[i][rounds/2]);
            }
        }
        return;
    }
    for row in ROWS {
        for p in PEERS { counted_row(p, row); }
    }
}
