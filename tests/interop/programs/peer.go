// A peer in Go. The certificates are in the working directory.
//
//	peer client VERSION PORT     makes two requests, and prints the responses
//	peer server VERSION DEMAND   DEMAND is "certificate" or "nothing"
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

var versions = map[string]uint16{"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}

func main() {
	role, version, last := os.Args[1], versions[os.Args[2]], os.Args[3]
	config := &tls.Config{
		MinVersion:   version,
		MaxVersion:   version,
		NextProtos:   []string{"http/1.1"},
		Certificates: []tls.Certificate{must(tls.LoadX509KeyPair(role+".pem", role+".key"))},
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(must(os.ReadFile("root.pem"))) {
		log.Fatal("no certificate in root.pem")
	}
	if role == "client" {
		config.RootCAs, config.ServerName = roots, "localhost"
		client(config, last)
		return
	}
	if last == "certificate" {
		config.ClientCAs, config.ClientAuth = roots, tls.RequireAndVerifyClientCert
	}
	server(config)
}

func client(config *tls.Config, port string) {
	config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	visitor := http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	for visit := 0; visit < 2; visit++ {
		answer := must(visitor.Get("https://127.0.0.1:" + port + "/"))
		must(io.Copy(os.Stdout, answer.Body))
		answer.Body.Close()
	}
}

func server(config *tls.Config) {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	fmt.Println("listening on", listener.Addr())
	hello := func(answer http.ResponseWriter, request *http.Request) {
		state := request.TLS
		version, kind, certificate := "TLSv1_2", "Full", ""
		if state.Version == tls.VersionTLS13 {
			version = "TLSv1_3"
		}
		if state.DidResume {
			kind = "Resumed"
		}
		if len(state.PeerCertificates) > 0 {
			certificate = ", with a client certificate"
		}
		fmt.Fprintf(answer, "hello over %s, ALPN %s, %s handshake%s\n",
			version, state.NegotiatedProtocol, kind, certificate)
	}
	serving := http.Server{TLSConfig: config, Handler: http.HandlerFunc(hello)}
	log.Fatal(serving.ServeTLS(listener, "", ""))
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
