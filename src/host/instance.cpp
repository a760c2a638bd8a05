#include "host/instance.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "cleave/problem.hpp"
#include "host/answer_check.hpp"
#include "io/loop.hpp"
#include "observe/log.hpp"

namespace cleave::host {

/// Counts one request in for as long as this lives.
class Instance::Inside {
 public:
  // One full barrier: either stop() sees this request, or the request sees that it came too late.
  explicit Inside(Instance& instance)
      : count_(instance.counts_[io::Loop::current()->index()].inside) {
    count_.fetch_add(1, std::memory_order_seq_cst);
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() { count_.store(count_.load(std::memory_order_relaxed) - 1, std::memory_order_release); }

 private:
  std::atomic<std::int64_t>& count_;
};

Instance::Instance(const loader::Library& library, const cleave_host* host)
    : module_(library.module), name_(library.name()), guard_(name_, host) {}

Instance::~Instance() {
  stop();
  if (state() == State::kStopped) call_quietly("destroy", module_->destroy);
}

void Instance::start() {
  try {
    self_ = module_->create(guard_.host());
  } catch (const std::exception& error) {
    refuse(std::string("create() threw across the seam: ") + error.what());
  } catch (...) {
    refuse("create() threw across the seam");
  }
  if (self_ == nullptr) refuse("create() refused");
  state_ = State::kCreated;
  int code = 0;
  std::string threw;
  try {
    code = module_->start(self_);
  } catch (const std::exception& error) {
    threw = std::string("start() threw across the seam: ") + error.what();
  } catch (...) {
    threw = "start() threw across the seam";
  }
  if (code == 0 && threw.empty()) {
    guard_.open();
    state_ = State::kStarted;
    return;
  }
  const std::string reason = guard_.take_last_error();
  call_quietly("stop", module_->stop);  // what start() had begun
  call_quietly("destroy", module_->destroy);
  if (threw.empty()) threw = "start() refused with " + std::to_string(code);
  refuse(reason.empty() ? threw : threw + ": " + reason);
}

void Instance::refuse(std::string_view step) {
  state_ = State::kFailed;
  const std::string reason = guard_.take_last_error();
  std::string text = "module " + name_ + ": " + std::string(step);
  if (!reason.empty()) text += ": " + reason;
  throw std::runtime_error(text);
}

template <class Function>
bool Instance::call_quietly(const char* step, Function&& function) noexcept {
  try {
    function(self_);
    return true;
  } catch (const std::exception& error) {
    log::error("host", "a module threw across the seam; its glue must catch everything",
               {{"module", name_}, {"step", step}, {"what", error.what()}});
    return false;
  } catch (...) {
    log::error("host", "a module threw across the seam; its glue must catch everything",
               {{"module", name_}, {"step", step}});
    return false;
  }
}

bool Instance::idle() const noexcept {
  return std::all_of(counts_.begin(), counts_.end(), [](const Count& count) {
    return count.inside.load(std::memory_order_seq_cst) == 0;
  });
}

void Instance::stop(io::Millis patience) noexcept {
  State started = State::kStarted;
  if (!state_.compare_exchange_strong(started, State::kDraining)) return;
  const io::TimePoint until = io::Clock::now() + patience;
  while (!idle() && io::Clock::now() < until) std::this_thread::sleep_for(io::Millis(1));
  if (!idle()) {
    log::error("host", "a request is still inside a module that must stop; it is left running",
               {{"module", name_}});
    state_ = State::kFailed;
    return;
  }
  guard_.close();
  call_quietly("stop", module_->stop);
  state_ = State::kStopped;
}

bool Instance::ready() const noexcept {
  if (state() != State::kStarted) return false;
  try {
    return module_->ready(self_) != 0;
  } catch (...) {
    log::error("host", "a module threw across the seam; its glue must catch everything",
               {{"module", name_}, {"step", "ready"}});
    return false;
  }
}

void Instance::handle(const Request& request, std::string_view request_id, std::string_view caller,
                      Response& response) noexcept {
  const Inside inside(*this);
  if (state_.load(std::memory_order_seq_cst) != State::kStarted) {
    response = Problem(503, "module-not-ready", "This service cannot answer now.")
                   .retry_after(1)
                   .response(request_id);
    return;
  }
  ResponseSink sink(response);
  try {
    run(request, request_id, caller, sink);
  } catch (const std::exception& error) {
    return fail(request, request_id, "module-failed", error.what(), response);
  } catch (...) {
    return fail(request, request_id, "module-failed", "an exception crossed the seam", response);
  }
  if (!sink.answered()) [[unlikely]] {
    return fail(request, request_id, "no-answer", "handle() returned without an answer", response);
  }
  if (sink.answered_twice()) [[unlikely]] {
    log::error("host", "module " + name_ + " answered twice; the first answer stands",
               {{"path", std::string(request.path)}, {"request", std::string(request_id)}});
  }
  if (const char* wrong = what_is_wrong(response)) [[unlikely]] {
    fail(request, request_id, "bad-answer", wrong, response);
  }
}

bool Instance::background() noexcept {
  const Inside inside(*this);
  if (state_.load(std::memory_order_seq_cst) != State::kStarted) return true;
  int code = 1;
  call_quietly("background", [&](void* self) { code = module_->background(self); });
  return code == 0;
}

io::Millis Instance::background_every() const noexcept {
  return io::Millis(loader::has_background(*module_) ? module_->background_ms : 0);
}

void Instance::run(const Request& request, std::string_view request_id, std::string_view caller,
                   ResponseSink& sink) {
  const cleave_request raw_request{.size = sizeof(cleave_request),
                                   .method = raw(request.method),
                                   .path = raw(request.path),
                                   .query = raw(request.query),
                                   .body = raw(request.body),
                                   .headers = request.headers.data(),
                                   .header_count = request.headers.size(),
                                   .request_id = raw(request_id),
                                   .caller = raw(caller)};
  const cleave_sink raw_sink = sink.raw();
  module_->handle(self_, &raw_request, &raw_sink);
}

void Instance::fail(const Request& request, std::string_view request_id, const char* slug,
                    std::string_view what, Response& response) const noexcept {
  log::error("host", "module " + name_ + " failed to answer",
             {{"what", std::string(what)},
              {"method", std::string(request.method)},
              {"path", std::string(request.path)},
              {"request", std::string(request_id)}});
  response = Problem(500, slug, "The service failed to answer this request.").response(request_id);
}

}  // namespace cleave::host
