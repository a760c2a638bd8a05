#include "redis/redis_impl.hpp"

namespace cleave::redis {
namespace {

constexpr const char* kRequests = "cleave_cache_requests_total";
constexpr const char* kRequestsHelp = "Cache reads by result.";

double number(const observe::Counter& counter) {
  return static_cast<double>(counter.value());
}

void collect_troubles(observe::Scrape& scrape, const Troubles& troubles) {
  for (std::size_t kind = 0; kind < troubles.size(); ++kind) {
    scrape.counter("cleave_redis_errors_total", "What Redis did not do, by reason.",
                   {{"kind", kTroubleNames[kind]}}, number(troubles[kind]));
  }
}

}  // namespace

void Redis::collect(observe::Scrape& scrape) const {
  if (impl_->options.url.empty()) return;
  for (const Impl::PerLoop& loop : impl_->loops) {
    scrape.counter(kRequests, kRequestsHelp, {{"result", "hit"}}, number(loop.hits));
    scrape.counter(kRequests, kRequestsHelp, {{"result", "near_hit"}}, number(loop.near_hits));
    scrape.counter(kRequests, kRequestsHelp, {{"result", "miss"}}, number(loop.misses));
    scrape.counter(kRequests, kRequestsHelp, {{"result", "stale"}}, number(loop.stale));
    scrape.counter(kRequests, kRequestsHelp, {{"result", "off"}}, number(loop.off));
    scrape.counter(kRequests, kRequestsHelp, {{"result", "failed"}}, number(loop.failed));
    scrape.counter("cleave_cache_loads_total", "Reads of the truth.", {}, number(loop.loads));
    scrape.counter("cleave_cache_joined_total", "Reads that shared another's load.", {},
                   number(loop.joined));
    static constexpr std::string_view kOutcomes[] = {"stored", "older", "failed"};
    for (std::size_t i = 0; i < loop.stores.size(); ++i) {
      scrape.counter("cleave_cache_stores_total", "Writes to Redis by outcome.",
                     {{"result", kOutcomes[i]}}, number(loop.stores[i]));
    }
    collect_troubles(scrape, loop.troubles);
    scrape.gauge("cleave_redis_up", "Links that work, of all loops.", {}, loop.up ? 1 : 0);
    scrape.gauge("cleave_redis_breaker_open", "Links that wait for Redis, of all loops.", {},
                 loop.used && !loop.up ? 1 : 0);
  }
  collect_troubles(scrape, impl_->heard);
  scrape.gauge("cleave_cache_near", "Whether the near cache is on.", {}, impl_->near.on() ? 1 : 0);
}

}  // namespace cleave::redis
