// The settings of the viewer, served as /viewer/app-config.js. The browser runs this script before the viewer starts. The page has no
// inline scripts. This file therefore also contains the code of the inline scripts in OHIF's index.html.
console.time('scriptToView');
window.PUBLIC_URL = '/viewer/';
window.browserImportFunction = (name) => import(name);

const origin = window.location.origin;
// A page of the portal shows the viewer in a frame. This page has the links, and it asks for the password (portal.js).
const isEmbedded = window.parent !== window;
// The component must be the same in each rendering of the header, because it keeps its state.
let links;

// When OHIF reports a failed request, the address of the page is already /notfoundstudy. The last other address is saved, so that the
// browser can return to that address after the sign-in.
let lastAddress = '/viewer/';
const remember = () => {
  const { pathname, search } = window.location;
  if (!pathname.endsWith('/notfoundstudy')) lastAddress = pathname + search;
  // The rights are requested when a study is opened. The response then arrives before somebody wants to save.
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

/**
 * Opens the sign-in page once when the session has ended. The parameter `next` leads back to the last address. Does nothing if unsaved work
 * would be lost, or if the portal asks for the password. An error of a frame request has the status only at the end of its message. The rest of the message contains the URL, in
 * which another 401 may occur.
 */
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
      React.createElement(isEmbedded ? 'span' : (links ??= window.radgate.accountLinks(React))),
  },
  extensions: [],
  modes: [],
  customizationService: {
    // The guided tour would cover the first images whenever somebody opens a study.
    'ohif.tours': { $set: [] },
    // The viewer searches for priors by PatientID alone. Two issuers may give the same PatientID to two people (see patient.rules.ts).
    'studyBrowser.studyMode': { $set: 'primary' },
  },
  // In the portal, the list of studies is another page.
  showStudyList: !isEmbedded,
  maxNumberOfWebWorkers: 3,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: false,
  showLoadingIndicator: true,
  strictZSpacingForVolumeViewport: true,
  groupEnabledModesFirst: true,
  allowMultiSelectExport: false,
  showErrorDetails: 'production',
  // OHIF is not a medical device. Its notice is therefore shown. After a person has confirmed the notice, the browser does not show it
  // again for a year.
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
        // The viewer requests bulk data, videos and PDFs as a single part and not as multipart. The browser can display such a response
        // itself.
        singlepart: 'bulkdata,video,pdf',
        bulkDataURI: { enabled: true, relativeResolution: 'studies' },
        omitQuotationForMultipartRequest: true,
      },
    },
  ],
  httpErrorHandler,
};
