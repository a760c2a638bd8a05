// SeedPlan: sql/<module>/seed.txt, a description of made-up rows, and the rows themselves.
//
//   table orders
//   user_id          = ref users              1 .. rows of users
//   quantity         = int 1 5                uniform, both ends included
//   unit_price_cents = int 100 9999
//   total_cents      = times quantity unit_price_cents
//   note             = pick red | green | blue
//   label            = text Order {n}         {n}: the number of the row, from 1
//   raises list = UPDATE …                    the cache's key that lists these rows, and how the
//                                             number of its state is raised: answers the new one
//
// The same seed number gives the same rows on every machine: the generator is fixed (SplitMix64)
// and each value depends only on the seed number, the row and the column.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace cleave::cli {

class SeedPlan {
 public:
  /// Throws std::runtime_error "FILE:LINE: cause".
  static SeedPlan read(const std::filesystem::path& file);
  static SeedPlan parse(const std::string& text, const std::string& name);

  const std::string& table() const noexcept { return table_; }
  std::vector<std::string> columns() const;
  /// A key of the module's cache that lists these rows, and the statement that raises the number of
  /// its state and answers the new one. It runs first in the transaction that writes the rows, as
  /// every writer of the module locks the list before a row. Empty: there is none.
  struct List {
    std::string key, raise;
  };
  const List& list() const noexcept { return list_; }
  /// Tables that must have rows before this one's can be made.
  std::vector<std::string> references() const;

  /// Appends row `n` (from 1) in COPY text format: tabs between, newline at the end. `rows` says
  /// how many rows each referenced table has.
  void append(std::string& out, std::uint64_t n, std::uint64_t seed,
              const std::map<std::string, std::uint64_t>& rows) const;

 private:
  enum class Kind { kText, kPick, kInt, kRef, kTimes };
  struct Column {
    std::string name;
    Kind kind;
    std::string text;                 // kText: template; kRef: table
    std::vector<std::string> words;   // kPick
    std::int64_t low = 0, high = 0;   // kInt
    std::size_t left = 0, right = 0;  // kTimes: earlier columns
  };
  static List parse_list(const std::string& line);
  Column parse_column(const std::string& line) const;
  std::size_t column_index(const std::string& name) const;

  std::string table_;
  List list_;
  std::vector<Column> columns_;
};

}  // namespace cleave::cli
