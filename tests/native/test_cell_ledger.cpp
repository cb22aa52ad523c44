// The count of cells against a table of who holds which.
#include <map>
#include <random>
#include <set>

#include "check.h"
#include "core/cell_ledger.h"

using namespace fastscore;

namespace {

// Every cell by name, every sequence a list of the cells that it holds.
class Table {
 public:
  void extend(int seq, int n) {
    for (int i = 0; i < n; ++i) {
      held_[seq].push_back(next_++);
    }
  }
  void share(int seq, int to, int length) {
    held_[to].assign(held_[seq].begin(), held_[seq].begin() + length);
  }
  void trim(int seq, int length) { held_[seq].resize(static_cast<std::size_t>(length)); }
  int length(int seq) { return static_cast<int>(held_[seq].size()); }
  int n_cells() const {
    std::set<int> all;
    for (const auto& [seq, cells] : held_) {
      all.insert(cells.begin(), cells.end());
    }
    return static_cast<int>(all.size());
  }

 private:
  std::map<int, std::vector<int>> held_;
  int next_ = 0;
};

}  // namespace

TEST(cells_are_counted_once_however_they_are_shared) {
  constexpr int kSeqs = 6;
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    CellLedger ledger(kSeqs);
    Table table;
    for (int step = 0; step < 200; ++step) {
      const int seq = below(kSeqs);
      const int what = below(4);
      if (what < 2) {
        const int n = 1 + below(5);
        ledger.extend(seq, n);
        table.extend(seq, n);
      } else if (what == 2) {
        const int length = below(table.length(seq) + 1);
        ledger.trim(seq, length);
        table.trim(seq, length);
      } else {
        const int to = below(kSeqs);
        if (to != seq) {
          ledger.trim(to, 0);
          table.trim(to, 0);
          const int length = below(table.length(seq) + 1);
          ledger.share(seq, to, length);
          table.share(seq, to, length);
        }
      }
      CHECK_EQUAL(ledger.n_cells(), table.n_cells());
      CHECK_EQUAL(ledger.length(seq), table.length(seq));
    }
    for (int seq = 0; seq < kSeqs; ++seq) {
      ledger.trim(seq, 0);
    }
    CHECK_EQUAL(ledger.n_cells(), 0);
  }
}
