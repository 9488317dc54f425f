import { describe, expect, it } from 'vitest';
import { parseRenderedQuery } from '../../src/dicomweb/rendered/rendered.query.js';
import { BadRequest } from '../../src/problems/errors.js';

describe('the parameters of a rendered resource', () => {
  const whole = { width: 30, height: 20 };
  const source = { left: 0, top: 0, width: undefined, height: undefined };

  it.each([
    ['30,20', whole],
    ['30,20,', whole],
    ['30,20,,,,', whole],
    ['30,20,1.5', { ...whole, source: { ...source, left: 1.5 } }],
    ['30,20,,2', { ...whole, source: { ...source, top: 2 } }],
    ['30,20,,,3', { ...whole, source: { ...source, width: 3 } }],
    ['30,20,,,,-4', { ...whole, source: { ...source, height: -4 } }],
    ['30,20,1,2,-3,4.25', { ...whole, source: { left: 1, top: 2, width: -3, height: 4.25 } }],
    ['4096,1', { width: 4096, height: 1 }],
  ])('viewport=%s', (text, viewport) => {
    expect(parseRenderedQuery(`viewport=${text}`)).toEqual({ viewport });
  });

  it.each([
    ['40,400', { center: 40, width: 400, shape: 'LINEAR' }],
    ['-40.5,1,linear', { center: -40.5, width: 1, shape: 'LINEAR' }],
    ['40,0.5,linear-exact', { center: 40, width: 0.5, shape: 'LINEAR_EXACT' }],
    ['%2B40,0.25,SIGMOID', { center: 40, width: 0.25, shape: 'SIGMOID' }],
  ])('window=%s', (text, window) => {
    expect(parseRenderedQuery(`window=${text}`)).toEqual({ window });
  });

  it.each(
    [
      ['', '5', '0,5', '5,0', '5000,5', 'a,b', '-1,5', '1.5,5', ',', ',5', '5,,1,1,1,1'],
      ['5,5,-1', '5,5,,-1', '5,5,,,0', '5,5,,,,0', '5,5,x', '5,5,1,1,1,1,1', '5,5,1e3', '5,5,,,-0'],
    ].flat(),
  )('a malformed viewport is refused: %s', (text) => {
    expect(() => parseRenderedQuery(`viewport=${text}`)).toThrow(BadRequest);
  });

  it.each(
    [
      ['', '1', '1,0,linear', '1,0.5,linear', '1,0.5', '1,0,linear-exact', '1,-2,sigmoid', '1,0,sigmoid'],
      ['1,2,', '1,2,cubic', '1e5,2,linear', 'a,2,linear', '1,2,linear,3', '1,,linear', ',2,linear'],
    ].flat(),
  )('a malformed window is refused: %s', (text) => {
    expect(() => parseRenderedQuery(`window=${text}`)).toThrow(BadRequest);
  });

  it.each(['', '0', '101', '1000', 'x', '-1', '1.5', '1e1'])('a malformed quality is refused: %s', (text) => {
    expect(() => parseRenderedQuery(`quality=${text}`)).toThrow(BadRequest);
  });

  it.each([
    ['patient', ['patient']],
    ['technique,patient', ['patient', 'technique']],
    ['overlays, patient,overlays', ['patient', 'overlays']],
    ['Patient,unknown-1', []],
  ])('annotation=%s', (text, annotation) => {
    expect(parseRenderedQuery(`annotation=${text}`)).toEqual({ annotation });
  });

  it.each(['', ',', 'patient,', '1', 'a b', '"patient"', Array<string>(17).fill('a').join(',')])(
    'a malformed annotation is refused: %s',
    (text) => {
      expect(() => parseRenderedQuery(`annotation=${text}`)).toThrow(BadRequest);
    },
  );

  it.each(['viewport=1,1', 'window=1,2,linear', 'quality=5', 'annotation=patient'])(
    '%s twice is refused',
    (one) => {
      expect(() => parseRenderedQuery(`${one}&${one}`)).toThrow(BadRequest);
    },
  );
});
