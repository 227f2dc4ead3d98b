//! TOML inventory and playbook to checked values; every error has file, line and caret.
