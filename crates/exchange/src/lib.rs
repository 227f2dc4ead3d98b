//! What Exchange adds to IIS: versions, virtual directories, health pages.
