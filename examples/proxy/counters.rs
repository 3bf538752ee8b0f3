//! The counters of the proxy.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use crate::traffic::Traffic;

/// The counters of a proxy.
pub(crate) struct Counters {
    registry: Registry,
    open: IntGauge,
    ended: IntCounterVec,
    to_backend: IntCounter,
    to_client: IntCounter,
    reloads: IntCounterVec,
    dropped: IntCounterVec,
}

impl Counters {
    pub(crate) fn new() -> prometheus::Result<Self> {
        let vector = |name: &str, help: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, help), labels)
        };
        let open = IntGauge::new(
            "proxy_connections_open",
            "Connections that are being relayed.",
        )?;
        let ended = vector(
            "proxy_connections_total",
            "Connections that have ended, by route and outcome.",
            &["route", "end"],
        )?;
        let bytes = vector(
            "proxy_bytes_total",
            "Relayed bytes, without the overhead of TLS between the proxy and its peers.",
            &["direction"],
        )?;
        let reloads = vector(
            "proxy_reloads_total",
            "Reloads of the configuration, by result.",
            &["result"],
        )?;
        let dropped = vector(
            "proxy_log_lines_dropped_total",
            "Log lines that were dropped, by stream.",
            &["stream"],
        )?;
        for result in ["done", "refused"] {
            // Present from the start, as 0.
            reloads.with_label_values(&[result]);
        }
        let to_backend = bytes.with_label_values(&["to_backend"]);
        let to_client = bytes.with_label_values(&["to_client"]);
        let registry = Registry::new();
        registry.register(Box::new(open.clone()))?;
        for vector in [&ended, &bytes, &reloads, &dropped] {
            registry.register(Box::new(vector.clone()))?;
        }
        Ok(Self {
            registry,
            open,
            ended,
            to_backend,
            to_client,
            reloads,
            dropped,
        })
    }

    pub(crate) fn connection_opened(&self) {
        self.open.inc();
    }

    pub(crate) fn connection_closed(&self) {
        self.open.dec();
    }

    pub(crate) fn connection_ended(&self, route: &str, end: &str) {
        self.ended.with_label_values(&[route, end]).inc();
    }

    /// Counts the bytes of one connection.
    pub(crate) fn traffic(&self) -> Traffic {
        Traffic::new(self.to_backend.clone(), self.to_client.clone())
    }

    pub(crate) fn reloaded(&self, result: &str) {
        self.reloads.with_label_values(&[result]).inc();
    }

    /// The counter of lines that could not be written to this stream.
    pub(crate) fn dropped(&self, stream: &str) -> IntCounter {
        self.dropped.with_label_values(&[stream])
    }

    /// All of them, in the text format of Prometheus.
    pub(crate) fn text(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .expect("counters can be written as text")
    }
}
