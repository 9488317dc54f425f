package radgate.fhir;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.provider.IJpaSystemProvider;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.provider.ValueSetOperationProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/**
 * FHIR's RESTful API with all R4 resources, transactions and $validate. For terminology it has $translate, $lookup and
 * $expand.
 */
@Configuration
@Import(Storage.class)
class Rest {
  @Bean
  RestfulServer restfulServer(
      FhirContext fhir,
      ResourceProviderFactory resources,
      IJpaSystemProvider system,
      ValueSetOperationProvider valueSets,
      DatabaseBackedPagingProvider paging,
      IFhirSystemDao<?, ?> systemDao,
      JpaStorageSettings storage,
      ISearchParamRegistry parameters,
      IValidationSupport validation) {
    RestfulServer server = new RestfulServer(fhir);
    server.registerProviders(resources.createProviders());
    server.registerProvider(system);
    server.registerProvider(valueSets);
    server.setPagingProvider(paging);
    server.setDefaultResponseEncoding(EncodingEnum.JSON);
    var capabilities = new JpaCapabilityStatementProvider(server, systemDao, storage, parameters, validation);
    capabilities.setImplementationDescription("Radgate FHIR");
    server.setServerConformanceProvider(capabilities);
    return server;
  }
}
