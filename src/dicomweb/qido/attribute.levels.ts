import type { Level } from '../../catalog/search.attributes.js';

/**
 * Attributes of the patient and study modules (PS3.3 C.2.2, C.2.3, C.7.1.1, C.7.1.3, C.7.2.1 to C.7.2.3). Keys are group numbers, values
 * are element numbers.
 */
const STUDY: Readonly<Record<string, string>> = {
  '0008': '0005 0051 0096 009C 009D 0201 1032 1048 1049 1060 1062 1080 1084 1110',
  '0010':
    '0022 0024 0032 0033 0034 0035 0200 0212 0213 0221 1000 1001 1002 1005 1010 1020 1021 1022 1023 1024 1030 1040 1060 1090 1100 2000 2110 2150 2152 2154 2160 2180 21A0 21B0 21C0 21D0 21F0 2201 2202 2203 2210 2292 2293 2294 2295 2296 2297 2298 2299 4000',
  '0012': '0010 0020 0021 0030 0031 0040 0042 0050 0051 0052 0053 0062 0063 0064 0081 0082 0083',
  '0032': '1033 1034 1060 1064',
  '0038': '0010 0014 0060 0062 0064 0300 0500',
  '0040': '1012',
};

/**
 * Attributes of the series, frame of reference and equipment modules (PS3.3 C.7.3, C.7.4.1, C.7.5.1), in the same form as {@link STUDY}.
 */
const SERIES: Readonly<Record<string, string>> = {
  '0008': '0064 0068 0070 0081 1010 1040 1041 103F 1050 1052 1070 1072 1090 1111 1250',
  '0012': '0060 0071 0072',
  '0018': '1000 1002 1008 100A 100B 1020 1050 1200 1201 5100',
  '0020': '0052 1040',
  '0040': '0250 0251 0253 0254 0260 0275 0280',
};

const OF_STUDY = tagsOf(STUDY);
const OF_SERIES = tagsOf(SERIES);

/**
 * Whether an attribute belongs to the modules of this level or of a higher level. All instances of a study (or series) have the same value
 * of such an attribute. At the instance level, every attribute belongs.
 */
export function isAttributeOf(level: Level, tag: string): boolean {
  if (level === 'instance' || OF_STUDY.has(tag)) return true;
  return level === 'series' && OF_SERIES.has(tag);
}

function tagsOf(groups: Readonly<Record<string, string>>): ReadonlySet<string> {
  return new Set(
    Object.entries(groups).flatMap(([group, elements]) =>
      elements.split(' ').map((element) => group + element),
    ),
  );
}
