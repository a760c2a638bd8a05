#include "redis/chance.hpp"
#include "redis/redis_impl.hpp"
#include "redis/value.hpp"

namespace cleave::redis {
namespace {

constexpr io::Millis kBeat{200};      // between two looks at the subscription and at what waits
constexpr std::size_t kResend = 256;  // a beat

}  // namespace

std::int64_t wall_millis() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<io::Millis>(now).count();
}

Redis::Impl::Impl(Options given)
    : options(std::move(given)),
      address(options.url.empty() ? Address() : Address::parse(options.url)),
      resolver(address.host),
      near(options.near_entries),
      pending(options.hard_ttl * 11 / 10),
      loops(options.loops) {}

Redis::Impl::PerLoop* Redis::Impl::here(io::TimePoint deadline) {
  const unsigned index = io::Loop::current()->index();
  if (options.url.empty() || index >= loops.size()) return nullptr;
  PerLoop& mine = loops[index];
  if (mine.link == nullptr) {
    Link::Setup setup{&address,       &resolver, options.operation_timeout,
                      &mine.troubles, nullptr,   nullptr,
                      nullptr,        nullptr};
    setup.opened = [&mine](Link& link) {
      link.send({"SCRIPT", "LOAD", kStoreScript}, [&mine, &link](Reply reply) {
        if (reply == nullptr) return;
        // A role that may not load it sends the text each time.
        mine.script = link.is_error(reply) || reply->type != REDIS_REPLY_STRING ? "" : reply->str;
        link.ready();
      });
    };
    setup.up = [&mine] { mine.up = true; };
    setup.down = [&mine] { mine.up = false; };
    mine.link = std::make_unique<Link>(std::move(setup));
    mine.used = true;
    mine.link->open();
    PerLoop* nobody = nullptr;
    if (owner.compare_exchange_strong(nobody, &mine)) begin_chores(mine);
  }
  mine.link->wait_first(std::min(deadline, io::Clock::now() + options.operation_timeout));
  return &mine;
}

void Redis::Impl::begin_chores(PerLoop& mine) {
  chores = std::make_unique<Chores>(*this, mine);
  if (options.near_cache) {
    chores->subscription =
        std::make_unique<Subscription>(address, resolver, options.operation_timeout, heard, near);
  }
  io::Loop::current()->timers().arm(*chores, io::Clock::now() + kBeat);
}

void Redis::Impl::Chores::on_timer() {
  if (subscription != nullptr) subscription->beat();
  impl.resend(here);
  io::Loop::current()->timers().arm(*this, io::Clock::now() + kBeat);
}

void Redis::Impl::resend(PerLoop& mine) {
  if (!mine.link->up()) return;
  for (auto& [key, entry] : pending.waiting(options.operation_timeout * 2, kResend)) {
    send_store(mine, key, entry, life_of_store(entry), [](Outcome) {});
  }
}

bool Redis::Impl::cacheable(std::string_view key, const Entry& entry) const noexcept {
  return entry.version >= 0 && key.size() < kLongestHeader - 128 &&
         (entry.body == nullptr || entry.body->size() <= options.largest);
}

Redis::Impl::Life Redis::Impl::life_of_load(const Entry& entry) const noexcept {
  if (entry.kind == Kind::kGone) return {options.negative_ttl, options.negative_ttl};
  return {options.soft_ttl, options.hard_ttl};
}

Redis::Impl::Life Redis::Impl::life_of_store(const Entry& entry) const noexcept {
  if (entry.kind != Kind::kGone) return {options.soft_ttl, options.hard_ttl};
  const io::Millis long_enough = std::max(options.soft_ttl, options.negative_ttl);
  return {long_enough, long_enough};
}

void Redis::Impl::send_store(PerLoop& mine, const std::string& key, const Entry& entry, Life life,
                             std::function<void(Outcome)> done) {
  struct Request {
    std::string key, order, value, ttl;
    Entry entry;
  };
  const auto hard_ms = static_cast<double>(life.hard.count()) * chance(0.9, 1.1);
  const auto request = std::make_shared<Request>(Request{
      key, order_text(entry), encode(key, {entry, wall_millis() + life.soft.count()}),
      std::to_string(std::max<std::int64_t>(1, static_cast<std::int64_t>(hard_ms))), entry});
  const auto end = [this, &mine, request, done = std::move(done)](const Reply& reply) {
    Outcome outcome = Outcome::kFailed;
    if (reply != nullptr && !mine.link->is_error(reply) && reply->type == REDIS_REPLY_INTEGER) {
      outcome = reply->integer == 1 ? Outcome::kStored : Outcome::kOlder;
      pending.landed(request->key, request->entry);
    }
    mine.stores[static_cast<std::size_t>(outcome)].add();
    done(outcome);
  };
  const auto by_text = [&mine, request, end] {
    mine.link->send(
        {"EVAL", kStoreScript, "1", request->key, request->order, request->value, request->ttl},
        end);
  };
  if (!mine.link->up()) return end(nullptr);
  if (mine.script.empty()) return by_text();
  mine.link->send(
      {"EVALSHA", mine.script, "1", request->key, request->order, request->value, request->ttl},
      [end, by_text](Reply reply) {
        const bool unknown = reply != nullptr && reply->type == REDIS_REPLY_ERROR &&
                             std::string_view(reply->str).starts_with("NOSCRIPT");
        return unknown ? by_text() : end(reply);
      });
}

void Redis::Impl::close() {
  const unsigned index = io::Loop::current()->index();
  if (index >= loops.size() || loops[index].link == nullptr) return;
  PerLoop& mine = loops[index];
  if (owner.load() == &mine) {
    chores->cancel();
    if (chores->subscription != nullptr) chores->subscription->close();
  }
  mine.used = mine.up = false;
  mine.link->close();
}

Redis::Redis(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Redis::~Redis() = default;

void Redis::close() {
  impl_->close();
}

bool Redis::connected() const noexcept {
  for (const Impl::PerLoop& loop : impl_->loops) {
    if (loop.up) return true;
  }
  return false;
}

}  // namespace cleave::redis
