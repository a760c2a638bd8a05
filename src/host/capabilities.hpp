// Capabilities: the host's side of cleave_host, one for each module. What a module may touch and
// nothing else: its own database, its own keys in the cache, its declared peers.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "cleave/abi.h"
#include "postgres/database.hpp"
#include "redis/cache.hpp"
#include "router/router.hpp"

namespace cleave::host {

class Capabilities {
 public:
  /// `database` and `redis` may be null: then the module has none. All outlive this.
  Capabilities(std::string module, router::Router& router, postgres::Database* database,
               redis::Redis* redis, std::map<std::string, std::string, std::less<>> config);
  Capabilities(const Capabilities&) = delete;
  Capabilities& operator=(const Capabilities&) = delete;

  const cleave_host* host() const noexcept { return &host_; }

 private:
  static Capabilities& of(const cleave_host* host) {
    return *static_cast<Capabilities*>(host->self);
  }
  static void log(const cleave_host*, int level, cleave_view message);
  static int config(const cleave_host*, cleave_view key, cleave_view* value);
  static std::int64_t now(const cleave_host*);
  static std::int64_t deadline(const cleave_host*);
  static void call(const cleave_host*, cleave_view module, const cleave_request*,
                   const cleave_sink*);
  static void gather(const cleave_host*, const cleave_task*, std::size_t);
  static const cleave_rows* query(const cleave_host*, const cleave_query*,
                                  const cleave_error_sink*);
  static const cleave_rows* query_batched(const cleave_host*, const cleave_query*,
                                          const cleave_error_sink*);
  const cleave_rows* ask(const postgres::Statement& statement, postgres::Transaction* transaction,
                         const cleave_error_sink* errors);
  static void rows_release(const cleave_host*, const cleave_rows*);
  static cleave_tx* begin(const cleave_host*, const cleave_error_sink*);
  static int commit(const cleave_host*, cleave_tx*, const cleave_error_sink*);
  static void rollback(const cleave_host*, cleave_tx*);
  static int cache_fetch(const cleave_host*, cleave_view key, const cleave_loader*,
                         const cleave_entry_sink*);
  static int cache_store(const cleave_host*, cleave_view key, const cleave_entry*);

  std::string module_;
  router::Router& router_;
  postgres::Database* database_;
  std::unique_ptr<redis::Cache> cache_;
  std::map<std::string, std::string, std::less<>> config_;
  cleave_host host_;
};

}  // namespace cleave::host
