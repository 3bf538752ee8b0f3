import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * A peer in Java. The certificates are in the working directory.
 *
 * <pre>
 * java Peer.java client VERSION PORT     makes two requests, and prints the responses
 * java Peer.java server VERSION DEMAND   DEMAND is "certificate" or "nothing"
 * </pre>
 */
class Peer {
    public static void main(String[] arguments) throws Exception {
        String role = arguments[0], version = arguments[1], last = arguments[2];
        SSLContext context = context(role);
        SSLParameters parameters = new SSLParameters();
        parameters.setProtocols(new String[] {version});
        if (role.equals("client")) {
            client(context, parameters, last);
        } else {
            parameters.setApplicationProtocols(new String[] {"http/1.1"});
            parameters.setNeedClientAuth(last.equals("certificate"));
            server(context, parameters);
        }
    }

    static void client(SSLContext context, SSLParameters parameters, String port)
            throws Exception {
        HttpClient client =
                HttpClient.newBuilder().sslContext(context).sslParameters(parameters).build();
        URI server = URI.create("https://localhost:" + port + "/");
        for (int visit = 0; visit < 2; visit++) {
            HttpRequest request = HttpRequest.newBuilder(server).build();
            System.out.print(client.send(request, BodyHandlers.ofString()).body());
        }
    }

    static void server(SSLContext context, SSLParameters parameters) throws Exception {
        InetAddress loopback = InetAddress.getByName("127.0.0.1");
        SSLServerSocket listening = (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(0, 50, loopback);
        listening.setSSLParameters(parameters);
        System.out.println("listening on 127.0.0.1:" + listening.getLocalPort());
        while (true) {
            try (SSLSocket socket = (SSLSocket) listening.accept()) {
                answer(socket);
            }
        }
    }

    /**
     * Responds with the parameters of the connection; Java does not report whether the session was
     * resumed.
     */
    static void answer(SSLSocket socket) throws IOException {
        BufferedReader request =
                new BufferedReader(new InputStreamReader(socket.getInputStream(), "ASCII"));
        while (!request.readLine().isEmpty()) {
            // Only the end of the head matters.
        }
        String version = socket.getSession().getProtocol().replace('.', '_');
        String hello = "hello over " + version + ", ALPN " + socket.getApplicationProtocol();
        try {
            socket.getSession().getPeerCertificates();
            hello += ", with a client certificate";
        } catch (SSLPeerUnverifiedException none) {
            // Nothing to add.
        }
        String answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + hello + "\n";
        socket.getOutputStream().write(answer.getBytes("ASCII"));
    }

    /** Presents the certificate of this role, and trusts certificates of the root. */
    static SSLContext context(String role) throws Exception {
        String key = Files.readString(Path.of(role + ".key")).replaceAll("-----.*-----|\\s", "");
        PKCS8EncodedKeySpec encoded = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(key));
        char[] password = "none".toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setCertificateEntry("root", certificate("root.pem"));
        store.setKeyEntry(
                role,
                KeyFactory.getInstance("EC").generatePrivate(encoded),
                password,
                new Certificate[] {certificate(role + ".pem")});
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store, password);
        TrustManagerFactory trusted = TrustManagerFactory.getInstance("PKIX");
        trusted.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trusted.getTrustManagers(), null);
        return context;
    }

    static Certificate certificate(String file) throws Exception {
        try (var stream = Files.newInputStream(Path.of(file))) {
            return CertificateFactory.getInstance("X.509").generateCertificate(stream);
        }
    }
}
