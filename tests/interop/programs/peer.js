// A peer in Node. The certificates are in the working directory.
//
//   node peer.js client VERSION PORT     makes two requests, and prints the responses
//   node peer.js server VERSION DEMAND   DEMAND is "certificate" or "nothing"

const fs = require('fs');
const https = require('https');

const [role, version, last] = process.argv.slice(2);
const common = {
  ca: fs.readFileSync('root.pem'),
  minVersion: version,
  maxVersion: version,
  ALPNProtocols: ['http/1.1'],
};

function identity(name) {
  return { cert: fs.readFileSync(`${name}.pem`), key: fs.readFileSync(`${name}.key`) };
}

function client(port) {
  // The agent keeps the sessions.
  const agent = new https.Agent({ ...common, ...identity('client'), servername: 'localhost' });
  const visit = (left) => https.get({ agent, host: '127.0.0.1', port }, (answer) => {
    answer.setEncoding('utf8');
    answer.on('data', (text) => process.stdout.write(text));
    answer.on('end', () => left > 1 && visit(left - 1));
  });
  visit(2);
}

function server(demand) {
  const clients = demand === 'certificate';
  const options = { ...common, ...identity('server'), requestCert: clients };
  const answer = (request, response) => {
    const socket = request.socket;
    const version = socket.getProtocol().replace('.', '_');
    const kind = socket.isSessionReused() ? 'Resumed' : 'Full';
    const certificate = socket.getPeerCertificate().raw ? ', with a client certificate' : '';
    const alpn = socket.alpnProtocol;
    response.end(`hello over ${version}, ALPN ${alpn}, ${kind} handshake${certificate}\n`);
  };
  const listening = https.createServer(options, answer);
  listening.listen(0, '127.0.0.1', () => {
    console.log(`listening on 127.0.0.1:${listening.address().port}`);
  });
}

({ client, server })[role](last);
