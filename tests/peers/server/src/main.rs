//! A SeedLink server of the crate seedlink-rs-server, of records of miniSEED (512 bytes) that come on standard input:
//! seedlink-peer PORT. Says where it listens, and after each record, how many it has.
use seedlink_rs_server::SeedLinkServer;
use tokio::io::AsyncReadExt;

const RECORD: usize = 512; // bytes

fn word(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_string()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).ok_or("a port is missing")?;
    let server = SeedLinkServer::bind(&format!("127.0.0.1:{port}")).await?;
    println!("{}", server.local_addr()?.port());
    let store = server.store().clone();
    tokio::spawn(server.run());
    let mut input = tokio::io::stdin();
    let mut record = [0u8; RECORD];
    while input.read_exact(&mut record).await.is_ok() {
        store.push(&word(&record[18..20]), &word(&record[8..13]), &record)?;
    }
    Ok(())
}
