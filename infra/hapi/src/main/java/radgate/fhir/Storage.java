package radgate.fhir;

import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.jpa.api.IDaoRegistry;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.binary.api.IBinaryStorageSvc;
import ca.uhn.fhir.jpa.binary.svc.NullBinaryStorageSvcImpl;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.config.util.ResourceCountCacheUtil;
import ca.uhn.fhir.jpa.dao.FulltextSearchSvcImpl;
import ca.uhn.fhir.jpa.dao.IFulltextSearchSvc;
import ca.uhn.fhir.jpa.dao.search.HSearchSortHelperImpl;
import ca.uhn.fhir.jpa.dao.search.IHSearchSortHelper;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirPostgresDialect;
import ca.uhn.fhir.jpa.provider.DaoRegistryResourceSupportedSvc;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.search.IStaleSearchDeletingSvc;
import ca.uhn.fhir.jpa.search.StaleSearchDeletingSvcImpl;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.jpa.util.ResourceCountCache;
import ca.uhn.fhir.rest.api.IResourceSupportedSvc;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import jakarta.persistence.EntityManagerFactory;
import java.time.Duration;
import java.util.Properties;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.BasicDataSource;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

/** HAPI's JPA storage for R4 in one database, without full-text search, subscriptions or partitions. */
@Configuration
@Import({
  JpaR4Config.class,
  JpaBatch2Config.class,
  Batch2JobsConfig.class,
  ThreadPoolFactoryConfig.class,
  SubscriptionChannelConfig.class
})
class Storage {
  /**
   * Higher than the number of server threads, because a request can use two connections. If all requests waited for a
   * second connection, none could continue.
   */
  private static final int CONNECTIONS = 2 * Server.THREADS;

  @Bean(destroyMethod = "close")
  BasicDataSource dataSource(Settings settings) {
    BasicDataSource source = new BasicDataSource();
    source.setDriverClassName(settings.postgres() ? "org.postgresql.Driver" : "org.h2.Driver");
    source.setUrl(settings.databaseUrl());
    source.setUsername(settings.databaseUser());
    source.setPassword(settings.databasePassword());
    source.setMaxTotal(CONNECTIONS);
    source.setMaxIdle(CONNECTIONS);
    source.setMaxWait(Duration.ofSeconds(30));
    source.setDefaultTransactionIsolation(java.sql.Connection.TRANSACTION_READ_COMMITTED);
    return source;
  }

  @Bean
  LocalContainerEntityManagerFactoryBean entityManagerFactory(
      ConfigurableListableBeanFactory beans,
      DataSource source,
      FhirContext fhir,
      JpaStorageSettings storage,
      Settings settings) {
    Properties hibernate = new Properties();
    Class<?> dialect = settings.postgres() ? HapiFhirPostgresDialect.class : HapiFhirH2Dialect.class;
    hibernate.put("hibernate.dialect", dialect.getName());
    hibernate.put("hibernate.hbm2ddl.auto", "update");
    hibernate.put("hibernate.search.enabled", "false");
    hibernate.put("hibernate.jdbc.batch_size", "20");
    hibernate.put("hibernate.cache.use_query_cache", "false");
    hibernate.put("hibernate.cache.use_second_level_cache", "false");
    var factory = HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, fhir, storage);
    factory.setPersistenceUnitName("radgate");
    factory.setDataSource(source);
    factory.setJpaProperties(hibernate);
    return factory;
  }

  @Bean
  JpaTransactionManager transactionManager(EntityManagerFactory factory) {
    return new JpaTransactionManager(factory);
  }

  @Bean
  JpaStorageSettings storageSettings() {
    return new JpaStorageSettings();
  }

  @Bean
  PartitionSettings partitionSettings() {
    return new PartitionSettings();
  }

  @Bean
  SubscriptionSettings subscriptionSettings() {
    return new SubscriptionSettings();
  }

  @Bean
  IFulltextSearchSvc fulltextSearch() {
    return new FulltextSearchSvcImpl();
  }

  @Bean
  IHSearchSortHelper sortHelper(ISearchParamRegistry parameters) {
    return new HSearchSortHelperImpl(parameters);
  }

  @Bean
  IStaleSearchDeletingSvc staleSearches() {
    return new StaleSearchDeletingSvcImpl();
  }

  @Bean
  IResourceSupportedSvc supportedResources(IDaoRegistry registry) {
    return new DaoRegistryResourceSupportedSvc(registry);
  }

  @Bean
  IBinaryStorageSvc binaryStorage() {
    return new NullBinaryStorageSvcImpl();
  }

  @Bean
  DatabaseBackedPagingProvider paging() {
    DatabaseBackedPagingProvider paging = new DatabaseBackedPagingProvider();
    paging.setDefaultPageSize(20);
    paging.setMaximumPageSize(500);
    return paging;
  }

  /** HAPI looks up this bean by its name. */
  @Bean(name = "myResourceCountsCache")
  ResourceCountCache resourceCounts(IFhirSystemDao<?, ?> system) {
    return ResourceCountCacheUtil.newResourceCountCache(system);
  }
}
