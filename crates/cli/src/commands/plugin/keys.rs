//! `outcry plugin keygen` and `sign`: whose component it is. Ed25519, keys and signatures as hexadecimal digits in files of one line.

use crate::ui::{Failure, Outcome, Result, Ui, hex};
use clap::Args;
use ed25519_dalek::{Signer as _, SigningKey};
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Make a pair of keys to sign components with
///
/// FILE holds the secret key, readable by its owner alone; FILE.pub the public key, which operators put into [rules.signers].
#[derive(Debug, Args)]
pub struct Keygen {
    /// Where to; what is there already is not overwritten
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Serialize)]
struct Keys {
    secret_key_file: PathBuf,
    public_key_file: PathBuf,
    public_key: String,
}

impl Keygen {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let mut seed = [0; 32];
        let mut filled = 0;
        while filled < seed.len() {
            let flags = rustix::rand::GetRandomFlags::empty();
            filled += rustix::rand::getrandom(&mut seed[filled..], flags)
                .map_err(|error| Failure::failed("the system gives no random numbers").caused_by(error))?;
        }
        let key = SigningKey::from_bytes(&seed);
        let public_key = hex(key.verifying_key().as_bytes());
        let public_key_file = beside(&self.file, "pub");
        write_new(&self.file, &hex(&seed), 0o600)?;
        write_new(&public_key_file, &public_key, 0o644)?;
        ui.answer(&Keys { secret_key_file: self.file, public_key_file, public_key }, |ui, keys| {
            ui.line(format_args!("public key {}", keys.public_key))?;
            ui.line(format_args!("secret key in {}: keep it to yourself", keys.secret_key_file.display()))
        })?;
        Ok(Outcome::Success)
    }
}

/// Sign a component
///
/// Writes the signature beside it, as COMPONENT.sig, for "outcry plugin load --signature".
#[derive(Debug, Args)]
pub struct Sign {
    /// The component
    #[arg(value_name = "COMPONENT")]
    component: PathBuf,
    /// The secret key, which "outcry plugin keygen" made
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[derive(Debug, Serialize)]
struct Signed {
    signature_file: PathBuf,
    signature: String,
}

impl Sign {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let bytes = std::fs::read(&self.component).map_err(|error| cannot("read", &self.component, error))?;
        let signature = hex(&signature(&bytes, &self.key)?);
        let signature_file = beside(&self.component, "sig");
        std::fs::write(&signature_file, format!("{signature}\n"))
            .map_err(|error| cannot("write", &signature_file, error))?;
        ui.answer(&Signed { signature_file, signature }, |ui, signed| {
            ui.line(format_args!("signature in {}", signed.signature_file.display()))
        })?;
        Ok(Outcome::Success)
    }
}

fn cannot(what: &str, file: &Path, error: std::io::Error) -> Failure {
    Failure::usage(format_args!("cannot {what} {}", file.display())).caused_by(error)
}

fn beside(file: &Path, extension: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

fn write_new(file: &Path, digits: &str, mode: u32) -> Result<()> {
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(mode).open(file);
    let written = opened.and_then(|mut file| writeln!(file, "{digits}"));
    written.map_err(|error| cannot("write", file, error))
}

/// The signature of a component by the secret key in a file.
pub fn signature(component: &[u8], key: &Path) -> Result<[u8; 64]> {
    let seed: [u8; 32] = read_hex(key, "a secret key")?;
    Ok(SigningKey::from_bytes(&seed).sign(component).to_bytes())
}

/// Bytes that stand in a file as hexadecimal digits.
pub fn read_hex<const BYTES: usize>(file: &Path, what: &str) -> Result<[u8; BYTES]> {
    let text = std::fs::read_to_string(file).map_err(|error| cannot("read", file, error))?;
    let digits = text.trim();
    let wrong = || {
        let hint = "\"outcry plugin keygen\" makes keys, \"outcry plugin sign\" makes signatures";
        Failure::usage(format_args!("{} does not hold {what}", file.display())).hint(hint)
    };
    if digits.len() != 2 * BYTES || !digits.is_ascii() {
        return Err(wrong());
    }
    let mut bytes = [0; BYTES];
    for (byte, at) in bytes.iter_mut().zip((0..digits.len()).step_by(2)) {
        *byte = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}
