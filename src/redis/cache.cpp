#include "redis/cache.hpp"

#include "redis/redis_impl.hpp"
#include "redis/value.hpp"

namespace cleave::redis {
namespace {

using Role = Flights::Role;
using Load = std::function<bool(Entry&)>;

constexpr int kLooks = 3;  // into the cache, when flights keep landing beside us

/// One fetch, from the near cache to the truth.
class Fetch {
 public:
  Fetch(Redis::Impl& impl, Redis::Impl::PerLoop* here, const std::string& key, const Load& load,
        io::TimePoint deadline)
      : impl_(impl), here_(here), key_(key), load_(load), deadline_(deadline) {}

  Fetched run() {
    for (int look = 1;; ++look) {
      flight_token_ = impl_.flights.token(key_);
      near_token_ = impl_.near.token(key_);
      if (auto found = look_up()) return *found;
      // Without a cache to look into again, who lands beside us does not matter.
      const std::uint64_t token = off_ || look == kLooks ? Flights::kAnyToken : flight_token_;
      const Flights::Joined joined =
          stale_ ? impl_.flights.try_lead(key_, token) : impl_.flights.join(key_, token, deadline_);
      switch (joined.role) {
        case Role::kLeader:
          return lead(joined.flight);
        case Role::kResult:
          if (here_ != nullptr) here_->joined.add();
          return {off_ ? State::kOff : State::kMiss, joined.entry};
        case Role::kGaveUp:
          return alone();
        case Role::kBusy:
          return {State::kStale, *stale_};
        case Role::kTryAgain:
          stale_.reset();
          break;
      }
    }
  }

 private:
  /// A fresh entry; else sets off_ or stale_.
  std::optional<Fetched> look_up() {
    if (here_ == nullptr || !here_->link->up()) {
      off_ = true;
      return std::nullopt;
    }
    if (impl_.pending.has(key_)) return std::nullopt;
    const io::TimePoint until =
        std::min(deadline_, io::Clock::now() + impl_.options.operation_timeout);
    // Not GET: something huge in the key must not cost more than the largest value would.
    const std::string last = std::to_string(impl_.options.largest + kLongestHeader);
    const Reply reply = here_->link->ask({"GETRANGE", key_, "0", last}, until);
    if (reply == nullptr) {
      off_ = true;
      return std::nullopt;
    }
    if (here_->link->is_error(reply) || reply->type != REDIS_REPLY_STRING || reply->len == 0) {
      return std::nullopt;
    }
    auto stored = decode(key_, reply->str, static_cast<std::size_t>(reply->len));
    if (!stored) {
      here_->link->count(Trouble::kGarbage);
      return std::nullopt;
    }
    return judge(std::move(*stored));
  }

  std::optional<Fetched> judge(Stored stored) {
    if (stored.entry.kind == Kind::kFloor) return std::nullopt;
    const io::Millis left(stored.soft - wall_millis());
    if (left > io::Millis(0)) {
      keep_near(stored.entry, std::min(left, impl_.options.soft_ttl));
      return Fetched{State::kHit, std::move(stored.entry)};
    }
    if (stored.entry.kind == Kind::kValue) stale_ = std::move(stored.entry);
    return std::nullopt;
  }

  bool truth(Entry& entry) {
    if (here_ != nullptr) here_->loads.add();
    return load_(entry);
  }

  Fetched lead(const std::shared_ptr<Flights::Flight>& flight) {
    // Whatever happens, nobody may wait for a leader that is gone.
    struct Guard {
      Fetch& fetch;
      const std::shared_ptr<Flights::Flight>& flight;
      bool armed = true;
      ~Guard() {
        if (armed) fetch.impl_.flights.fail(fetch.key_, flight);
      }
    } guard{*this, flight};
    Entry entry;
    if (!truth(entry)) {
      return stale_ ? Fetched{State::kStale, *stale_} : Fetched{State::kFailed, {}};
    }
    guard.armed = false;
    if (impl_.flights.finish(key_, flight, entry)) {
      fill(entry, [&impl = impl_, key = key_, flight] { impl.flights.land(key, flight); });
    }
    return {off_ ? State::kOff : State::kMiss, std::move(entry)};
  }

  /// Past the deadline of waiting for somebody else, who will keep what it reads.
  Fetched alone() {
    Entry entry;
    if (!truth(entry)) return {State::kFailed, {}};
    return {off_ ? State::kOff : State::kMiss, std::move(entry)};
  }

  void fill(const Entry& entry, const std::function<void()>& landed) {
    if (off_ || entry.kind == Kind::kFloor || !impl_.cacheable(key_, entry)) return landed();
    const Redis::Impl::Life life = impl_.life_of_load(entry);
    keep_near(entry, life.soft);
    impl_.send_store(*here_, key_, entry, life, [landed](Outcome) { landed(); });
  }

  void keep_near(const Entry& entry, io::Millis time) {
    impl_.near.put(key_, entry, io::Clock::now() + time, near_token_);
  }

  Redis::Impl& impl_;
  Redis::Impl::PerLoop* here_;
  const std::string& key_;
  const Load& load_;
  io::TimePoint deadline_;
  std::uint64_t flight_token_ = 0, near_token_ = 0;
  bool off_ = false;
  std::optional<Entry> stale_;  // what may be served while somebody refreshes it
};

void count(Redis::Impl::PerLoop* here, State state) noexcept {
  if (here == nullptr) return;
  switch (state) {
    case State::kFailed:
      return here->failed.add();
    case State::kHit:
      return here->hits.add();
    case State::kMiss:
      return here->misses.add();
    case State::kStale:
      return here->stale.add();
    case State::kOff:
      return here->off.add();
  }
}

}  // namespace

Cache::Cache(Redis& redis, std::string module)
    : redis_(redis), prefix_("cleave:v1:" + std::move(module) + ":") {}

Fetched Cache::fetch(std::string_view key, const Load& load, io::TimePoint deadline) {
  Redis::Impl& impl = *redis_.impl_;
  std::string full;
  full.reserve(prefix_.size() + key.size());
  full.append(prefix_).append(key);
  Redis::Impl::PerLoop* const here = impl.here(deadline);
  if (auto near = impl.near.find(full, io::Loop::current()->now())) {
    if (here != nullptr) here->near_hits.add();
    return {State::kHit, std::move(*near)};
  }
  Fetched fetched = Fetch(impl, here, full, load, deadline).run();
  count(here, fetched.state);
  return fetched;
}

bool Cache::store(std::string_view key, const Entry& entry, io::TimePoint deadline) {
  Redis::Impl& impl = *redis_.impl_;
  const std::string full = prefix_ + std::string(key);
  Redis::Impl::PerLoop* const here = impl.here(deadline);
  if (here == nullptr || entry.version < 0 || full.size() >= kLongestHeader - 128) {
    impl.flights.detach(full);
    return entry.version < 0;
  }
  Entry kept = entry;
  // Too large to keep, but what is there is older and must go.
  if (!impl.cacheable(full, kept)) kept = {entry.version, Kind::kFloor, nullptr};
  const Redis::Impl::Life life = impl.life_of_store(kept);
  impl.pending.add(full, kept);
  impl.near.forget_older(full, kept);
  impl.flights.detach(full);
  struct Landing {
    io::Waiter done;
    bool landed = false;
  };
  const auto landing = std::make_shared<Landing>();
  impl.send_store(*here, full, kept, life, [landing](Outcome outcome) {
    landing->landed = outcome != Outcome::kFailed;
    landing->done.wake();
  });
  landing->done.wait(std::min(deadline, io::Clock::now() + impl.options.operation_timeout));
  return landing->landed;
}

}  // namespace cleave::redis
