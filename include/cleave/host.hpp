// Host: all that a module can touch. A thin, typed view of cleave_host (abi.h).
//
// Copy it freely: it is one pointer, valid until the module is destroyed. Calls that wait (call,
// gather, query, begin, cached …) are legal only in handle() and below; they suspend the fiber,
// never the thread, and give up at the request's deadline by throwing a Problem.
#pragma once

#include <charconv>
#include <chrono>
#include <cstring>
#include <exception>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "cleave/abi.h"
#include "cleave/problem.hpp"

namespace cleave {

/// A statement's parameter: text borrowed from the caller, an integer, or NULL (std::nullopt).
class Param {
 public:
  Param(std::nullopt_t) {}                                           // NOLINT: implicit by design
  Param(std::string_view text) : text_(text), null_(false) {}        // NOLINT
  Param(const char* text) : Param(std::string_view(text)) {}         // NOLINT
  Param(const std::string& text) : Param(std::string_view(text)) {}  // NOLINT
  template <class Int, class = std::enable_if_t<std::is_integral_v<Int>>>
  Param(Int value) : null_(false) {  // NOLINT
    number_size_ = std::to_chars(number_, number_ + sizeof number_, value).ptr - number_;
  }
  template <class T>
  Param(const std::optional<T>& value) : Param() {  // NOLINT
    if (value) *this = Param(*value);
  }
  cleave_view raw() const noexcept {
    if (null_) return {nullptr, 0};
    if (number_size_ > 0) return {number_, static_cast<std::size_t>(number_size_)};
    return {text_.data() ? text_.data() : "", text_.size()};
  }

 private:
  Param() = default;
  std::string_view text_;
  char number_[24];
  std::ptrdiff_t number_size_ = 0;
  bool null_ = true;
};

/// The rows of one statement; gives them back to the host when it goes.
class Rows {
 public:
  Rows(const cleave_host* host, const cleave_rows* rows) : host_(host), rows_(rows) {}
  Rows(Rows&& other) noexcept : host_(other.host_), rows_(other.rows_) { other.rows_ = nullptr; }
  Rows& operator=(Rows&&) = delete;
  ~Rows();
  std::size_t size() const noexcept { return rows_->rows; }
  bool empty() const noexcept { return rows_->rows == 0; }
  std::uint64_t affected() const noexcept { return rows_->affected; }
  /// cleave_rows::shared: the number of rows that several got at once, or 0.
  std::uint64_t shared() const noexcept {
    return rows_->size >= sizeof(cleave_rows) ? rows_->shared : 0;
  }
  /// NULL reads as an empty view with data() == nullptr. Valid while these Rows live.
  std::string_view text(std::size_t row, std::size_t column) const {
    return view(rows_->value(rows_, row, column));
  }
  bool null(std::size_t row, std::size_t column) const { return !text(row, column).data(); }
  std::int64_t integer(std::size_t row, std::size_t column) const;

 private:
  const cleave_host* host_;
  const cleave_rows* rows_;
};

/// An open transaction. Rolls back unless committed.
class Transaction {
 public:
  Transaction(const cleave_host* host, cleave_tx* tx) : host_(host), tx_(tx) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  Rows query(std::string_view sql, std::initializer_list<Param> params = {}) const;
  void commit();  // throws DatabaseError; then the outcome is "not committed" or "unknown"

 private:
  const cleave_host* host_;
  cleave_tx* tx_;
};

/// A cache entry, see abi.h: CLEAVE_VALUE, CLEAVE_GONE or CLEAVE_FLOOR.
struct Entry {
  std::int64_t version = 0;
  int kind = CLEAVE_VALUE;
  std::string body = {};
};
struct Cached {
  Entry entry;
  std::string_view state;  // "hit", "miss", "stale", "off": what X-Cache says
};

class Host {
 public:
  explicit Host(const cleave_host* raw) : raw_(raw) {}

  void log(int level, std::string_view message) const {
    raw_->log(raw_, level, cleave::raw(message));
  }
  std::optional<std::string_view> config(std::string_view key) const;
  std::chrono::microseconds now() const { return std::chrono::microseconds(raw_->now(raw_)); }
  std::chrono::milliseconds deadline() const {
    return std::chrono::milliseconds(raw_->deadline(raw_));
  }

  /// Asks a module named in depends_on. Never throws for a peer's sake: a 5xx Response says why.
  Response call(std::string_view module, const Request& request) const;
  /// Runs all side by side; returns when all have ended; rethrows the first exception.
  void gather(std::initializer_list<std::function<void()>> tasks) const;

  Rows query(std::string_view sql, std::initializer_list<Param> params = {}) const;
  /// One row, or none, by a statement that serves all who wait at once (DataLoader's batching,
  /// https://github.com/graphql/dataloader): `SELECT name, id AS key FROM t WHERE id = ANY ($1)`.
  /// Give one value a parameter; the host makes the arrays and deals the rows out by the column
  /// "key", see cleave_host::query_batched for other ways. A key is compared as text, so the value
  /// must be written as PostgreSQL prints it. If the statement fails its halves are asked for, down
  /// to the one.
  Rows query_batched(std::string_view sql, std::initializer_list<Param> params) const;
  Transaction begin() const;

  /// Cache-aside: `load` reads the truth when the cache does not know it. One load a key at a time.
  Cached cached(std::string_view key, const std::function<Entry()>& load) const;
  /// After the commit of a change: older values of `key` lose against it from now on. False: the
  /// cache has not heard of it yet, and will, if this process lives.
  bool store(std::string_view key, const Entry& entry) const;

 private:
  const cleave_host* raw_;
};

}  // namespace cleave
