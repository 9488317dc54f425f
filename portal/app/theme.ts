import {
  createTheme,
  type CSSVariablesResolver,
  localStorageColorSchemeManager,
  type MantineColorsTuple,
} from '@mantine/core';

const teal: MantineColorsTuple = [
  '#e8f6f7',
  '#d3e9eb',
  '#a5d2d6',
  '#75bac0',
  '#4ea5ad',
  '#3498a2',
  '#238d98',
  '#0f7883',
  '#0b5c66',
  '#084a52',
];
/** The greys of the dark theme. It is a true dark for reading rooms, without pure white. */
const dark: MantineColorsTuple = [
  '#d5dcdf',
  '#b8c2c6',
  '#8f9ba0',
  '#6b777c',
  '#3a464b',
  '#2c373b',
  '#1b2427',
  '#101418',
  '#0c1013',
  '#080b0d',
];
const FONTS =
  "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', 'Noto Sans Arabic', sans-serif";

/** The look of all pages (docs/portal.md). */
export const theme = createTheme({
  colors: { teal, dark },
  primaryColor: 'teal',
  primaryShade: { light: 8, dark: 7 },
  autoContrast: true,
  fontFamily: FONTS,
  headings: { fontFamily: FONTS, fontWeight: '600' },
  fontSizes: { sm: '0.8125rem', md: '0.875rem' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
});

/** Mantine's own greys for help texts and placeholders have too little contrast. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: { '--mantine-color-dimmed': '#52636a', '--mantine-color-placeholder': '#5d6c72' },
  dark: { '--mantine-color-dimmed': '#9aa8ad', '--mantine-color-placeholder': '#9aa8ad' },
});

/** Keeps the choice between light, dark and the setting of the system. */
export const colorScheme = localStorageColorSchemeManager({ key: 'radgate-color-scheme' });
