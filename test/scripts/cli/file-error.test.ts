import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cannotRead, fileErrorText } from '../../../scripts/cli/file-error.ts';

function writing(path: string): unknown {
  try {
    writeFileSync(path, '', { flag: 'wx+' });
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a file that cannot be written', () => {
  it('is told by what is wrong with it', () => {
    const folder = join(tmpdir(), 'there', 'is', 'no', 'such', 'folder');
    assert.equal(fileErrorText(writing(join(folder, 'a'))), `cannot write ${join(folder, 'a')}: there is no folder ${folder}`);
    const folderAsFile = Object.assign(new Error('EISDIR: illegal operation'), { code: 'EISDIR', path: '/tours' });
    assert.equal(fileErrorText(folderAsFile), 'cannot write /tours: it is a folder; name a file in it');
  });

  it('leaves other errors alone', () => {
    assert.equal(fileErrorText(new Error('no')), undefined);
    assert.equal(fileErrorText(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })), undefined);
  });
});

describe('a file that cannot be read', () => {
  const told = (code: string, message: string): string =>
    cannotRead('--rules', 'r.json', Object.assign(new Error(message), { code })).message;

  it('is named with its flag and what is wrong with it', () => {
    assert.equal(told('ENOENT', 'ENOENT: no such file'), '--rules r.json: there is no such file');
    assert.equal(told('EISDIR', 'EISDIR: illegal operation'), '--rules r.json: it is a folder; name a file in it');
    assert.equal(told('EACCES', 'EACCES: permission denied'), '--rules r.json: not allowed to read it');
    assert.equal(told('EIO', 'EIO: i/o error, read'), '--rules r.json: reading it failed: EIO: i/o error, read');
  });
});
