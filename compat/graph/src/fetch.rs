//! The work of an HTTP client, whichever it is.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Version;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;

use crate::report::chain;

/// The response to one request.
pub(crate) struct Fetched {
    pub(crate) version: Version,
    pub(crate) status: u16,
    /// How many requests the server has received on this connection.
    pub(crate) request: String,
    pub(crate) body: Bytes,
}

/// An HTTP client.
pub(crate) trait Fetch {
    /// Sends a request, with a body if it is a PUT, and receives the complete response.
    async fn fetch(&self, uri: &str, put: Option<Bytes>) -> Result<Fetched, String>;
}

/// The name of the header in which nginx reports the number of requests on a connection.
pub(crate) const REQUEST: &str = "x-request-of-connection";

fn request(headers: &hyper::HeaderMap) -> String {
    let value = headers.get(REQUEST).and_then(|value| value.to_str().ok());
    value.unwrap_or("none").to_owned()
}

impl Fetch for reqwest::Client {
    async fn fetch(&self, uri: &str, put: Option<Bytes>) -> Result<Fetched, String> {
        let asked = match put {
            Some(body) => self.put(uri).body(body),
            None => self.get(uri),
        };
        let response = asked.send().await.map_err(|error| chain(&error))?;
        Ok(Fetched {
            version: response.version(),
            status: response.status().as_u16(),
            request: request(response.headers()),
            body: response.bytes().await.map_err(|error| chain(&error))?,
        })
    }
}

impl Fetch for Client<HttpsConnector<HttpConnector>, Full<Bytes>> {
    async fn fetch(&self, uri: &str, put: Option<Bytes>) -> Result<Fetched, String> {
        let method = if put.is_some() { "PUT" } else { "GET" };
        let asked = hyper::Request::builder()
            .method(method)
            .uri(uri)
            .body(Full::new(put.unwrap_or_default()))
            .map_err(|error| chain(&error))?;
        let response = self.request(asked).await.map_err(|error| chain(&error))?;
        Ok(Fetched {
            version: response.version(),
            status: response.status().as_u16(),
            request: request(response.headers()),
            body: response
                .into_body()
                .collect()
                .await
                .map_err(|error| chain(&error))?
                .to_bytes(),
        })
    }
}
