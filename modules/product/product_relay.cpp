#include "product_relay.hpp"

#include <string>

namespace product {

bool ProductRelay::run() const {
  for (int turn = 0; turn < kTurns; ++turn) {
    const cleave::Rows rows = store_.untold(kRows);
    if (rows.empty()) return true;
    if (!cache_.list_changed(rows)) return false;
    std::string ids;
    std::size_t row = 0;
    while (row < rows.size() && cache_.tell(rows, row)) {
      ids += row == 0 ? "{" : ",";
      ids += rows.text(row++, ProductStore::kOutboxId);
    }
    if (row > 0) store_.told(ids + "}");
    if (row < rows.size()) return false;
    if (row < kRows) break;
  }
  return true;
}

}  // namespace product
