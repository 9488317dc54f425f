/** The parts of Swagger UI that the page uses. The package has no types of its own. */
declare module 'swagger-ui-dist/swagger-ui-es-bundle.js' {
  /** One route of a tag. `path` and `method` are the keys of the document. */
  interface Listed {
    readonly get: (key: 'path' | 'method') => string;
  }
  /** The routes of a tag. */
  interface Routes {
    readonly filter: (keep: (route: Listed) => boolean) => Routes;
    readonly size: number;
  }
  interface Tag {
    readonly get: (key: 'operations') => Routes;
    readonly set: (key: 'operations', routes: Routes) => Tag;
  }
  /** All tags. The collections are those of Immutable.js. */
  export interface Tags {
    readonly map: (change: (tag: Tag) => Tag) => Tags;
    readonly filter: (keep: (tag: Tag) => boolean) => Tags;
  }

  interface Sent {
    readonly method?: string;
    readonly headers: Record<string, string>;
  }

  interface Options {
    readonly domNode: Element;
    readonly spec: object;
    readonly deepLinking: boolean;
    readonly docExpansion: 'none';
    readonly defaultModelsExpandDepth: number;
    readonly displayRequestDuration: boolean;
    readonly filter: boolean;
    readonly persistAuthorization: boolean;
    readonly syntaxHighlight: boolean;
    readonly validatorUrl: null;
    readonly requestInterceptor: (request: Sent) => Sent;
    readonly plugins: readonly { readonly fn: { readonly opsFilter: (tags: Tags, words: string) => Tags } }[];
  }

  interface System {
    readonly layoutActions: {
      readonly updateFilter: (words: string | true) => void;
      readonly show: (part: readonly string[], isShown: boolean) => void;
    };
  }

  export default function SwaggerUI(options: Options): System;
}
