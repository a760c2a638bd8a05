// Pipeline, batches: many statements of one text as one command, and its rows dealt out again.
#include <algorithm>
#include <charconv>
#include <utility>

#include "cleave/message.hpp"
#include "observe/log.hpp"
#include "postgres/pipeline.hpp"

namespace cleave::postgres {

/// Makes the arrays of all in the chain, and notes who stands where in them: some may give up
/// before the answer comes.
void Pipeline::set_batch(Waiting* first) {
  batch_.clear();
  for (Waiting* one = first; one != nullptr; one = one->next) {
    batch_.push_back(one->statement);
    one->position = static_cast<unsigned>(batch_.size());
  }
  for (Waiting* one = first; one != nullptr; one = one->next) {
    one->batch = static_cast<unsigned>(batch_.size());
  }
  parameters_.set_arrays(batch_);
}

/// Gives each in the chain its row: by the column "ordinality", by the column "key", or in order.
void Pipeline::deal(Waiting* waiting, const std::shared_ptr<pg_result>& rows) {
  const int key = waiting->statement->param_count > 0 ? PQfnumber(rows.get(), "key") : -1;
  const int ordinality = PQfnumber(rows.get(), "ordinality");
  const bool fair = ordinality < 0 && key >= 0 ? deal_by_key(waiting, rows, key)
                                               : deal_by_number(waiting, rows, ordinality);
  if (fair) return wake_all(waiting);
  log::error(options_.module,
             "a batched statement must give each one row at most, told by \"ordinality\" or "
             "\"key\", or else one row for each",
             {{"sql", std::string(waiting->statement->sql.substr(0, 80))}});
  answer(waiting, error_of(kNotDealt));
}

/// False: a row is nobody's. `column` < 0: in order.
bool Pipeline::deal_by_number(Waiting* waiting, const std::shared_ptr<pg_result>& rows,
                              int column) {
  const int count = PQntuples(rows.get());
  bool fair = true;
  row_of_.assign(options_.segment + 1, -1);
  for (int row = 0; row < count; ++row) {
    auto position = static_cast<std::size_t>(row) + 1;
    if (column >= 0) {
      const char* const text = PQgetvalue(rows.get(), row, column);
      std::from_chars(text, text + PQgetlength(rows.get(), row, column), position);
    }
    fair = fair && position > 0 && position < row_of_.size() && row_of_[position] < 0;
    if (fair) row_of_[position] = row;
  }
  for (Waiting* one = waiting; one != nullptr; one = one->next) {
    const int row = row_of_[one->position];
    fair = fair && (column >= 0 || row >= 0);
    give(*one, rows, row);
  }
  return fair;
}

/// The same, by the text of the first value that each gave: several may get one row.
bool Pipeline::deal_by_key(Waiting* waiting, const std::shared_ptr<pg_result>& rows, int column) {
  const int count = PQntuples(rows.get());
  keys_.clear();
  for (int row = 0; row < count; ++row) {
    if (PQgetisnull(rows.get(), row, column) != 0) return false;  // NULL equals nothing
    const auto size = static_cast<std::size_t>(PQgetlength(rows.get(), row, column));
    keys_.push_back({{PQgetvalue(rows.get(), row, column), size}, row, false});
  }
  std::sort(keys_.begin(), keys_.end(), [](const Key& a, const Key& b) { return a.text < b.text; });
  const auto twins = [](const Key& a, const Key& b) { return a.text == b.text; };
  if (std::adjacent_find(keys_.begin(), keys_.end(), twins) != keys_.end()) return false;
  std::size_t present = 0, taken = 0;
  const std::size_t sent = waiting->batch;
  for (Waiting* one = waiting; one != nullptr; one = one->next, ++present) {
    const cleave_view& wanted = one->statement->params[0];
    const auto found =
        std::lower_bound(keys_.begin(), keys_.end(), view(wanted),
                         [](const Key& key, std::string_view text) { return key.text < text; });
    const bool there =
        wanted.data != nullptr && found != keys_.end() && found->text == view(wanted);
    if (there && !std::exchange(found->taken, true)) ++taken;
    give(*one, rows, there ? found->row : -1);
  }
  // A row that nobody took may be of a caller that has given up since.
  return keys_.size() - taken <= sent - present;
}

void Pipeline::give(Waiting& waiting, const std::shared_ptr<pg_result>& rows, int row) {
  waiting.result.rows = rows;
  waiting.result.first = std::max(row, 0);
  waiting.result.count = row < 0 ? 0 : 1;
}

/// A batch that failed failed for one of its values, perhaps: each half is repeated alone, and
/// halved again when it fails, so that nobody sees another's error and few pay for it. False: it
/// was of one.
bool Pipeline::repeat_halves(Waiting* waiting) {
  if (waiting == nullptr || waiting->next == nullptr || !waiting->statement->batched) return false;
  unsigned count = 0;  // Waiting::chained may count some that gave up
  for (const Waiting* one = waiting; one != nullptr; one = one->next) ++count;
  Waiting* last = waiting;  // of the first half
  for (unsigned i = 1; i < count / 2; ++i) last = last->next;
  Waiting* const second = std::exchange(last->next, nullptr);
  waiting->chained = count / 2;
  second->chained = count - count / 2;
  for (Waiting* const half : {waiting, second}) {
    half->attempts = 0;  // this is another command
    alone_.push_back(half);
  }
  return true;
}

}  // namespace cleave::postgres
