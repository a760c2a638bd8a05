#include "router/net_faults.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace cleave::router {
namespace {

using Micros = NetRule::Micros;

constexpr std::string_view kForm =
    "say delay=5ms,jitter=2ms,loss=1%,dup=1%, or 'order->product:loss=1%' (in quotes) for one edge";

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw std::invalid_argument("the network fault \"" + std::string(text) + "\" " +
                              std::string(why) + "; " + std::string(kForm));
}

/// "2.5%" with the unit "%" -> 2.5. Less than 0, and more than `most`, is refused.
double number(std::string_view text, std::string_view value, std::string_view unit, double most) {
  double read = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), read);
  const std::string_view rest = value.substr(static_cast<std::size_t>(end - value.data()));
  if (error != std::errc() || rest != unit || !(read >= 0 && read <= most)) {
    refuse(text, "has a value that makes no sense: " + std::string(value));
  }
  return read;
}

Micros time(std::string_view text, std::string_view value) {
  return Micros(static_cast<std::int64_t>(number(text, value, "ms", 60000) * 1000));
}

void take(NetRule& rule, std::string_view text, std::string_view part) {
  const std::size_t equals = part.find('=');
  const std::string_view key = part.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
  if (key == "delay") {
    rule.delay = time(text, value);
  } else if (key == "jitter") {
    rule.jitter = time(text, value);
  } else if (key == "loss") {
    rule.loss = number(text, value, "%", 100) / 100;
  } else if (key == "dup") {
    rule.dup = number(text, value, "%", 100) / 100;
  } else {
    refuse(text, "has no fault that is known in \"" + std::string(part) + "\"");
  }
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
std::uint64_t mix(std::uint64_t z) noexcept {
  z += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// FNV-1a: an edge's calls do not follow another edge's pattern.
std::uint64_t hash(std::string_view text, std::uint64_t from) noexcept {
  for (const char c : text) from = (from ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return from;
}

/// 0 up to, but never, 1.
double chance(std::uint64_t& state) noexcept {
  state = mix(state);
  return static_cast<double>(state >> 11) * 0x1.0p-53;
}

}  // namespace

NetRule NetRule::parse(std::string_view text) {
  NetRule rule;
  rule.text = text;
  std::string_view faults = text;
  if (const std::size_t arrow = text.find("->"); arrow != std::string_view::npos) {
    const std::size_t colon = text.find(':', arrow);
    rule.from = text.substr(0, arrow);
    rule.to = text.substr(arrow + 2, colon - arrow - 2);
    if (rule.from.empty() || rule.to.empty() || colon == std::string_view::npos) {
      refuse(text, "names no whole edge");
    }
    faults = text.substr(colon + 1);
  }
  for (std::size_t at = 0; at <= faults.size();) {
    const std::size_t end = std::min(faults.find(',', at), faults.size());
    take(rule, text, faults.substr(at, end - at));
    at = end + 1;
  }
  return rule;
}

/// The rule of one edge and what became of its calls.
struct NetFaults::Edge {
  std::string from, to;
  const NetRule* rule;  // null: none
  std::uint64_t seed;
  Edge* next = nullptr;
  std::atomic<std::uint64_t> calls{0}, delayed{0}, requests_lost{0}, answers_lost{0}, twice{0};
};

NetFaults::NetFaults(std::vector<NetRule> rules, std::uint64_t seed)
    : rules_(std::move(rules)), seed_(seed) {}

NetFaults::~NetFaults() {
  for (const Edge* edge = edges_; edge != nullptr;) delete std::exchange(edge, edge->next);
}

NetFaults::Edge* NetFaults::edge(std::string_view caller, std::string_view callee) {
  Edge* first = edges_.load(std::memory_order_acquire);
  std::unique_ptr<Edge> made;
  while (true) {
    for (Edge* edge = first; edge != nullptr; edge = edge->next) {
      if (edge->from == caller && edge->to == callee) return edge;
    }
    if (made == nullptr) {
      made.reset(new Edge{std::string(caller), std::string(callee), nullptr, 0});
      for (const NetRule& rule : rules_) {
        const bool all = rule.from.empty() && caller != kClient;
        if (all || (rule.from == caller && rule.to == callee)) made->rule = &rule;
      }
      made->seed = mix(hash(callee, hash(caller, mix(seed_))));
    }
    made->next = first;
    if (edges_.compare_exchange_strong(first, made.get(), std::memory_order_acq_rel)) {
      return made.release();
    }
  }
}

NetFaults::Fate NetFaults::next(std::string_view caller, std::string_view callee) {
  Edge& edge = *this->edge(caller.empty() ? kClient : caller, callee);
  if (edge.rule == nullptr) return {};
  const NetRule& rule = *edge.rule;
  std::uint64_t state = edge.seed + edge.calls.fetch_add(1, std::memory_order_relaxed);
  Fate fate;
  const bool lost = chance(state) < rule.loss, of_request = chance(state) < 0.5;
  fate.request_lost = lost && of_request;
  fate.answer_lost = lost && !of_request;
  fate.twice = chance(state) < rule.dup && !fate.request_lost;
  const double jitter = static_cast<double>(rule.jitter.count()) * (2 * chance(state) - 1);
  const Micros delay = std::max(Micros(0), rule.delay + Micros(static_cast<std::int64_t>(jitter)));
  fate.before = delay / 2;
  fate.after = delay - fate.before;
  const auto count = [](std::atomic<std::uint64_t>& counter, bool happened) {
    if (happened) counter.fetch_add(1, std::memory_order_relaxed);
  };
  count(edge.delayed, delay > Micros(0));
  count(edge.requests_lost, fate.request_lost);
  count(edge.answers_lost, fate.answer_lost);
  count(edge.twice, fate.twice);
  return fate;
}

void NetFaults::collect(observe::Scrape& scrape) const {
  for (const Edge* edge = edges_.load(std::memory_order_acquire); edge != nullptr;
       edge = edge->next) {
    if (edge->rule == nullptr) continue;
    const auto write = [&](std::string_view fault, const std::atomic<std::uint64_t>& count) {
      scrape.counter("cleave_net_faults_total", "Calls that a played network spoilt, by fault.",
                     {{"from", edge->from}, {"to", edge->to}, {"fault", fault}},
                     static_cast<double>(count.load(std::memory_order_relaxed)));
    };
    write("delay", edge->delayed);
    write("request-loss", edge->requests_lost);
    write("answer-loss", edge->answers_lost);
    write("dup", edge->twice);
    scrape.counter("cleave_net_calls_total", "Calls over a played network.",
                   {{"from", edge->from}, {"to", edge->to}},
                   static_cast<double>(edge->calls.load(std::memory_order_relaxed)));
  }
}

}  // namespace cleave::router
