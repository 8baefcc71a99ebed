/**
 * Loaded before kinesis-local, which listens on all interfaces and on fixed ports: here every server it opens gets a free port of
 * the loopback, told to the parent together with the port that was asked for.
 */
import net from 'node:net';

// oxlint-disable-next-line typescript/unbound-method -- it is called on each server below
const { listen } = net.Server.prototype;

/**
 * @this {net.Server}
 * @param {unknown[]} args
 */
function listenOnLoopback(...args) {
  const [where] = args;
  const asked = typeof where === 'object' && where !== null && 'port' in where ? where.port : Number(where);
  const listening = args.find((argument) => typeof argument === 'function');
  this.once('listening', () => process.send?.({ asked, port: /** @type {net.AddressInfo} */ (this.address()).port }));
  return Reflect.apply(listen, this, [0, '127.0.0.1', listening]);
}
Object.assign(net.Server.prototype, { listen: listenOnLoopback });

// The parent is gone: nobody else would ever end this process.
process.on('disconnect', () => process.exit());
