/**
 * PGlite behind the Postgres wire protocol, as a process of its own: its work is synchronous and would stop every timer
 * of a process it shared. Arguments: data folder, cache folder, port (0: any free one). Prints one JSON line when it
 * listens.
 */
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { prepareDataFolder } from './data-folder.ts';
import { shareSession } from './shared-session.ts';

const [dataDir = '', cacheDir = '', port = '0'] = process.argv.slice(2);
const maxConnections = 20;

await prepareDataFolder(dataDir, cacheDir);
const db = await PGlite.create({ dataDir });
const server = new PGLiteSocketServer({ db: shareSession(db), host: '127.0.0.1', port: Number(port), maxConnections });
await server.start();
process.stdout.write(`${JSON.stringify({ type: 'ready', url: `postgres://postgres@${server.getServerConn()}/postgres` })}\n`);

process.once('SIGTERM', () => {
  void server
    .stop()
    .then(() => db.close())
    .then(() => process.exit(0));
});
