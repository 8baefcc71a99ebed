import { readCommandLine } from './cli/command-line.ts';
import { commands } from './house/commands.ts';

readCommandLine({ name: 'help', summary: 'Lists the commands.', examples: ['npm run help'] }, {}, process.argv.slice(2));

const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2;
const lines = Object.entries(commands).map(([name, summary]) => `  npm run ${name.padEnd(width)}${summary}`);
process.stdout.write(`${lines.join('\n')}\n\nEach tells more with: npm run NAME -- --help\n`);
