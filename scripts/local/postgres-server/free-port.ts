import net from 'node:net';

/** Below the ports that Linux and IANA give to outgoing connections (32,768 and 49,152 up): nobody takes it by chance while its server is away. */
const firstPort = 20_000;
const ports = 12_000;
const attempts = 100;

/** A port of 127.0.0.1 for a server that comes back on the same one. Rejects when many in a row are taken. */
export async function lastingPort(random: () => number = Math.random): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = firstPort + Math.floor(random() * ports);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port of 127.0.0.1 among ${attempts} between ${firstPort} and ${firstPort + ports}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
