//! Whose component it is: a detached Ed25519 signature of its bytes, by a key of the operator's allow-list.

use crate::inspect::{MAX_SIGNERS, Policy};
use ed25519_dalek::VerifyingKey;
use model::SignerKey;

/// A detached Ed25519 signature of a component's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signature(pub [u8; 64]);

/// Why a signature does not count.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignatureError {
    /// There is none, and there must be one.
    #[error("the component is not signed, and the operator takes only signed ones")]
    Missing,
    /// No key of the allow-list made it.
    #[error("no key of the operator's allow-list ({keys} of them) made this signature of this component")]
    NotAllowed {
        /// How many keys were tried.
        keys: usize,
    },
    /// A key of the allow-list is no Ed25519 key.
    #[error("the key {key} of the allow-list is not an Ed25519 public key")]
    BadKey {
        /// Which.
        key: SignerKey,
    },
}

/// The key that signed, [`SignerKey::NONE`] when nobody did and nobody must.
pub(crate) fn check(
    bytes: &[u8],
    signature: Option<&Signature>,
    policy: &Policy,
) -> Result<SignerKey, SignatureError> {
    let Some(signature) = signature else {
        return if policy.must_be_signed { Err(SignatureError::Missing) } else { Ok(SignerKey::NONE) };
    };
    let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
    let keys = policy.signers.get(..MAX_SIGNERS).unwrap_or(&policy.signers);
    for &key in keys {
        let verifying = VerifyingKey::from_bytes(&key.0).map_err(|_| SignatureError::BadKey { key })?;
        // Strict: no signature that another key or another message would also pass for.
        if verifying.verify_strict(bytes, &signature).is_ok() {
            return Ok(key);
        }
    }
    Err(SignatureError::NotAllowed { keys: keys.len() })
}
