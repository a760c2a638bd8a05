#include "router/router.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "cleave/problem.hpp"
#include "observe/log.hpp"

namespace cleave::router {
namespace {

// Below this there is no time left to do anything useful (the answer needs some, too).
constexpr io::Millis kLeastTime{20};

void refuse(Response& response, const RequestScope& scope, int status, const char* slug,
            const char* title, bool retry) {
  Problem problem(status, slug, title);
  if (retry) problem = std::move(problem).retry_after(1);
  response = problem.response(scope.id());
}

/// "order GET /orders/7": what the watchdog and a crash line show.
void set_label(io::Fiber& fiber, const Target& target, const Request& request) {
  char text[96];
  std::size_t size = 0;
  const auto append = [&](std::string_view part) {
    const std::size_t fits = std::min(part.size(), sizeof text - size);
    std::memcpy(text + size, part.data(), fits);
    size += fits;
  };
  append(target.name);
  append(" ");
  append(request.method);
  append(" ");
  append(request.path);
  fiber.label.set({text, size});
}

/// Only one loop writes it.
void add(std::atomic<std::int64_t>& count, std::int64_t by) noexcept {
  count.store(count.load(std::memory_order_relaxed) + by, std::memory_order_release);
}

}  // namespace

/// For one call: the fiber's context and label, the span, the counts in flight; undone at its end.
class Passage {
 public:
  Passage(Target& target, Endpoint& endpoint, const Request& request, CallContext& context)
      : fiber_(*io::Fiber::current()),
        counts_(target.loops[io::Loop::current()->index()]),
        inside_(endpoint.counts_[io::Loop::current()->index()].inside),
        context_(context),
        outer_(fiber_.context),
        start_(io::Clock::now()) {
    context.span = context.scope.timeline.open(target.name, observe::SpanKind::kCall, context.span);
    fiber_.context = &context;
    set_label(fiber_, target, request);
    add(counts_.in_flight, 1);
    add(inside_, 1);
  }
  Passage(const Passage&) = delete;
  Passage& operator=(const Passage&) = delete;
  ~Passage() {
    add(inside_, -1);
    add(counts_.in_flight, -1);
    fiber_.context = outer_;
    if (const auto* outer = static_cast<const CallContext*>(outer_)) {
      set_label(fiber_, *outer->target, *outer->request);
    }
    context_.scope.timeline.close(context_.span);
    counts_.duration.observe(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(io::Clock::now() - start_).count()));
  }
  void answered(int status) noexcept {
    counts_.calls[static_cast<std::size_t>(std::clamp(status / 100, 0, 5))].add();
  }

 private:
  io::Fiber& fiber_;
  Target::PerLoop& counts_;
  std::atomic<std::int64_t>& inside_;
  CallContext& context_;
  void* outer_;
  io::TimePoint start_;
};

std::int64_t Endpoint::in_flight() const noexcept {
  std::int64_t sum = 0;
  for (const Count& count : counts_) sum += count.inside.load(std::memory_order_acquire);
  return sum;
}

std::int64_t Target::in_flight() const noexcept {
  std::int64_t sum = 0;
  for (const PerLoop& loop : loops) sum += loop.in_flight.load(std::memory_order_acquire);
  return sum;
}

Target& Router::add(std::string name, std::string path, std::vector<std::string> depends_on) {
  for (const auto& other : targets_) {
    if (other->name == name) throw std::invalid_argument("two modules are named " + name);
    if (!path.empty() && other->path == path) {
      throw std::invalid_argument(other->name + " and " + name + " both serve " + path);
    }
  }
  auto target = std::make_unique<Target>();
  target->name = std::move(name);
  target->path = std::move(path);
  target->depends_on = std::move(depends_on);
  targets_.push_back(std::move(target));
  return *targets_.back();
}

Target* Router::find(std::string_view module) noexcept {
  for (const auto& target : targets_) {
    if (target->name == module) return target.get();
  }
  return nullptr;
}

void Router::dispatch_path(const Request& request, RequestScope& scope, Response& response) {
  const std::string_view path = request.path;
  const std::string_view prefix = path.substr(0, path.find('/', 1));
  for (const auto& target : targets_) {
    if (target->path != prefix || prefix.empty()) continue;
    CallContext context{.scope = scope, .target = target.get(), .request = &request};
    forward(*target, request, context, response);
    return;
  }
  refuse(response, scope, 404, "not-found", "Nothing is served at this path.", false);
}

void Router::dispatch(std::string_view module, const Request& request, CallContext& caller,
                      Response& response) {
  const Target& from = *caller.target;
  const auto& edges = from.depends_on;
  Target* const target = find(module);
  if (target == nullptr || std::find(edges.begin(), edges.end(), module) == edges.end()) {
    log::error("router", "a module called one that it does not declare; add it to depends_on",
               {{"caller", from.name}, {"callee", std::string(module)}});
    refuse(response, caller.scope, 500, "undeclared-dependency",
           "A service asked one that it does not declare.", false);
    return;
  }
  CallContext context{.scope = caller.scope,
                      .target = target,
                      .caller = from.name,
                      .request = &request,
                      .span = caller.span,
                      .depth = static_cast<std::uint8_t>(caller.depth + 1)};
  forward(*target, request, context, response);
}

void Router::forward(Target& target, const Request& request, CallContext& context,
                     Response& response) {
  const RequestScope& scope = context.scope;
  if (context.depth >= kDeepest) {
    refuse(response, scope, 508, "call-too-deep", "Services called each other too deeply.", false);
    return;
  }
  if (io::Loop::current()->now() + kLeastTime > scope.deadline) {
    refuse(response, scope, 504, "deadline-exceeded", "There is no time left to answer.", false);
    return;
  }
  // From here until the Passage has counted us nothing may wait: a move takes a loop that has made
  // a turn for one that holds no endpoint uncounted.
  Endpoint* const endpoint = target.endpoint.load(std::memory_order_acquire);
  if (endpoint == nullptr || !endpoint->ready()) {
    refuse(response, scope, 503, "module-not-ready", "This service cannot answer now.", true);
    return;
  }
  Passage passage(target, *endpoint, request, context);
  if (hop_ == nullptr) [[likely]] {
    endpoint->call(request, context, response);
  } else {
    hop_->call(*endpoint, request, context, response);
  }
  passage.answered(response.status);
}

void Router::collect(observe::Scrape& scrape) const {
  static constexpr std::string_view kClasses[] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};
  for (const auto& target : targets_) {
    for (const auto& loop : target->loops) {
      for (std::size_t i = 1; i < 6; ++i) {
        if (loop.calls[i].value() == 0) continue;
        scrape.counter("cleave_calls_total", "Calls answered, by module and status class.",
                       {{"module", target->name}, {"status", kClasses[i]}},
                       static_cast<double>(loop.calls[i].value()));
      }
      scrape.histogram("cleave_call_duration_seconds", "Time in a module, its calls included.",
                       {{"module", target->name}}, loop.duration);
    }
    scrape.gauge("cleave_calls_in_flight", "Calls being answered.", {{"module", target->name}},
                 static_cast<double>(target->in_flight()));
  }
}

}  // namespace cleave::router
