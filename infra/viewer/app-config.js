// The viewer's settings, served as /viewer/app-config.js and read before the viewer starts.
// The page carries no inline script, so what OHIF's own index.html sets inline is set here.
console.time('scriptToView');
window.PUBLIC_URL = '/viewer/';
window.browserImportFunction = (name) => import(name);

const origin = window.location.origin;

// OHIF has moved to /notfoundstudy by the time it reports a failed request, so the last real address is kept for the way back.
let lastAddress = '/viewer/';
const remember = () => {
  const { pathname, search } = window.location;
  if (!pathname.endsWith('/notfoundstudy')) lastAddress = pathname + search;
  // Asked as soon as a study is opened, so that the answer is there when somebody wants to save.
  window.radgate?.maySave();
};
remember();
window.addEventListener('popstate', remember);
for (const name of ['pushState', 'replaceState']) {
  const original = window.history[name].bind(window.history);
  window.history[name] = (...parameters) => {
    original(...parameters);
    remember();
  };
}

let leaving = false;

/** Sends a person whose session is over to the sign-in page, once, with the way back, unless that would lose what is drawn. Frame errors carry the status at the end of their message only (their address may hold a 401 of its own). */
const httpErrorHandler = (error) => {
  const status = error?.status ?? error?.request?.status ?? error?.error?.request?.status;
  const refused =
    status === 401 || (status === undefined && /\bstatus 401$/.test(String(error?.message ?? '')));
  if (!refused || leaving || window.radgate.keepsWork()) return;
  leaving = true;
  window.location.assign(`/login?next=${encodeURIComponent(lastAddress)}`);
};

window.config = {
  name: 'radgate',
  routerBasename: '/viewer',
  whiteLabeling: {
    createLogoComponentFn: (React) =>
      React.createElement(
        'a',
        {
          href: '/login',
          title: 'Account and sign out',
          className: 'text-foreground px-2 text-lg font-semibold',
        },
        'Radgate',
      ),
  },
  extensions: [],
  modes: [],
  customizationService: {
    // The guided tour would cover the first images of everyone who opens a study.
    'ohif.tours': { $set: [] },
    // The viewer asks for priors by PatientID alone, which two people of two issuers may share (see patient.rules.ts).
    'studyBrowser.studyMode': { $set: 'primary' },
  },
  showStudyList: true,
  maxNumberOfWebWorkers: 3,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: false,
  showLoadingIndicator: true,
  strictZSpacingForVolumeViewport: true,
  groupEnabledModesFirst: true,
  allowMultiSelectExport: false,
  showErrorDetails: 'production',
  // OHIF is not a medical device: its notice stays, and once confirmed is quiet for a year on that computer.
  investigationalUseDialog: { option: 'configure', days: 365 },
  maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },
  defaultDataSourceName: 'radgate',
  dataSources: [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'radgate',
      configuration: {
        friendlyName: 'Radgate',
        name: 'radgate',
        qidoRoot: `${origin}/dicom-web`,
        wadoRoot: `${origin}/dicom-web`,
        wadoUriRoot: `${origin}/wado`,
        qidoSupportsIncludeField: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        imageRendering: 'wadors',
        thumbnailRendering: 'thumbnail',
        enableStudyLazyLoad: true,
        dicomUploadEnabled: false,
        // One body, not multipart, for what the browser shows by itself.
        singlepart: 'bulkdata,video,pdf',
        bulkDataURI: { enabled: true, relativeResolution: 'studies' },
        omitQuotationForMultipartRequest: true,
      },
    },
  ],
  httpErrorHandler,
};
