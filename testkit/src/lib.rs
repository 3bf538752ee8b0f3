//! Deterministic transports, certificates and configurations for the tests of pollback.
