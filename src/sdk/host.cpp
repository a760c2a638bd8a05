#include "cleave/host.hpp"

#include <utility>
#include <vector>

namespace cleave {
namespace {

/// Collects what the host tells about a failure, to be thrown on this side of the seam.
struct Failure {
  std::optional<DatabaseError> error;
  cleave_error_sink sink() {
    return {this, [](void* self, const cleave_error* told) {
              static_cast<Failure*>(self)->error.emplace(*told);
            }};
  }
  [[noreturn]] void raise() {
    if (error) throw std::move(*error);
    throw Problem(500, "internal", "The host failed without a reason.");
  }
};

using Query = decltype(cleave_host::query);

Rows run(const cleave_host* host, Query ask, cleave_tx* tx, std::string_view sql,
         std::initializer_list<Param> params) {
  static constexpr std::size_t kMost = 32;
  if (params.size() > kMost) throw Problem(500, "internal", "Too many parameters.");
  cleave_view views[kMost];
  std::size_t count = 0;
  for (const Param& param : params) views[count++] = param.raw();
  const cleave_query query{sizeof query, raw(sql), views, count, tx};
  Failure failure;
  const cleave_error_sink errors = failure.sink();
  const cleave_rows* rows = ask(host, &query, &errors);
  if (rows == nullptr) failure.raise();
  return {host, rows};
}

std::string_view state_name(int state) {
  switch (state) {
    case CLEAVE_CACHE_HIT:
      return "hit";
    case CLEAVE_CACHE_MISS:
      return "miss";
    case CLEAVE_CACHE_STALE:
      return "stale";
    default:
      return "off";
  }
}

}  // namespace

Rows::~Rows() {
  if (rows_ != nullptr) host_->rows_release(host_, rows_);
}

std::int64_t Rows::integer(std::size_t row, std::size_t column) const {
  const std::string_view digits = text(row, column);
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

Transaction::~Transaction() {
  if (tx_ != nullptr) host_->rollback(host_, tx_);
}

Rows Transaction::query(std::string_view sql, std::initializer_list<Param> params) const {
  return run(host_, host_->query, tx_, sql, params);
}

void Transaction::commit() {
  Failure failure;
  const cleave_error_sink errors = failure.sink();
  if (host_->commit(host_, std::exchange(tx_, nullptr), &errors) != 0) failure.raise();
}

std::optional<std::string_view> Host::config(std::string_view key) const {
  cleave_view value;
  if (raw_->config(raw_, cleave::raw(key), &value) == 0) return std::nullopt;
  return view(value);
}

Response Host::call(std::string_view module, const Request& request) const {
  const cleave_request out{.size = sizeof(cleave_request),
                           .method = cleave::raw(request.method),
                           .path = cleave::raw(request.path),
                           .query = cleave::raw(request.query),
                           .body = cleave::raw(request.body),
                           .headers = request.headers.data(),
                           .header_count = request.headers.size(),
                           .request_id = {},
                           .caller = {}};
  Response response;
  ResponseSink sink(response);
  const cleave_sink answer = sink.raw();
  raw_->call(raw_, cleave::raw(module), &out, &answer);
  return response;
}

void Host::gather(std::initializer_list<std::function<void()>> tasks) const {
  struct Task {
    const std::function<void()>* work;
    std::exception_ptr thrown;
  };
  std::vector<Task> all;
  for (const auto& work : tasks) all.push_back({&work, nullptr});
  std::vector<cleave_task> raw_tasks;
  for (Task& task : all) {
    raw_tasks.push_back({[](void* self) {
                           auto& one = *static_cast<Task*>(self);
                           try {
                             (*one.work)();
                           } catch (...) {  // carried over the seam by value
                             one.thrown = std::current_exception();
                           }
                         },
                         &task});
  }
  raw_->gather(raw_, raw_tasks.data(), raw_tasks.size());
  for (const Task& task : all) {
    if (task.thrown) std::rethrow_exception(task.thrown);
  }
}

Rows Host::query(std::string_view sql, std::initializer_list<Param> params) const {
  return run(raw_, raw_->query, nullptr, sql, params);
}

Rows Host::query_batched(std::string_view sql, std::initializer_list<Param> params) const {
  if (raw_->size < sizeof(cleave_host)) {
    throw Problem(500, "host-too-old", "The host does not know batched statements.");
  }
  return run(raw_, raw_->query_batched, nullptr, sql, params);
}

Transaction Host::begin() const {
  Failure failure;
  const cleave_error_sink errors = failure.sink();
  cleave_tx* tx = raw_->begin(raw_, &errors);
  if (tx == nullptr) failure.raise();
  return {raw_, tx};
}

Cached Host::cached(std::string_view key, const std::function<Entry()>& load) const {
  struct Load {
    const std::function<Entry()>& load;
    std::exception_ptr thrown;
  } state{load, nullptr};
  const cleave_loader loader{
      &state, [](void* self, const cleave_entry_sink* out) {
        auto& mine = *static_cast<Load*>(self);
        try {
          const Entry entry = mine.load();
          const cleave_entry told{entry.version, entry.kind, cleave::raw(entry.body)};
          out->entry(out->self, &told);
          return 0;
        } catch (...) {
          mine.thrown = std::current_exception();
          return 1;
        }
      }};
  Cached cached;
  const cleave_entry_sink out{&cached, [](void* self, const cleave_entry* told) {
                                static_cast<Cached*>(self)->entry = {told->version, told->kind,
                                                                     std::string(view(told->body))};
                              }};
  const int how = raw_->cache_fetch(raw_, cleave::raw(key), &loader, &out);
  if (how == CLEAVE_CACHE_FAILED) {
    if (state.thrown) std::rethrow_exception(state.thrown);
    throw Problem(503, "cache-failed", "This could not be read in time.").retry_after(1);
  }
  cached.state = state_name(how);
  return cached;
}

bool Host::store(std::string_view key, const Entry& entry) const {
  const cleave_entry told{entry.version, entry.kind, cleave::raw(entry.body)};
  return raw_->cache_store(raw_, cleave::raw(key), &told) == 0;
}

}  // namespace cleave
