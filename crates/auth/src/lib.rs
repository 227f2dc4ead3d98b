//! Security contexts, bytes in and bytes out: NTLM, SPNEGO, sealed multipart framing.
