#include "acquisition/timing/memory.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <vector>

namespace {

using namespace daq::timing;
using mth5::SampleType;

/// What is sent again after a restart is compared with what the file holds.
TEST(Memory, RowsAreTheSameThatAreStoredTheSame) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const std::vector<double> values{
      0,     -0.0,   1,      -1,    0.5,        1.5,          2.5,          -0.5,          0.49,          1e-300,        32767,
      32768, -32768, -32769, 65535, 2147483646, 2147483647.0, 2147483648.0, -2147483647.0, -2147483648.0, -2147483649.0, 1e18,
      -1e18, inf,    -inf,   nan,   16777217};
  for (const auto type : {SampleType::Int16, SampleType::Int32, SampleType::Float32, SampleType::Float64})
    for (const auto other : {type, SampleType::Float64}) {
      const std::vector<StoredAs> as{{type, -999}, {other, -999}};
      const Memory memory{16, 2, as};
      std::map<double, std::uint64_t> by_stored;
      std::map<std::uint64_t, double> by_hash;
      for (const double value : values) {
        const double row[]{value, 7};
        const auto hash = memory.hash(row);
        const double stored = as_stored(value, as[0]) + 0.0;
        const double again[]{stored, 7};
        if (type == SampleType::Int16 || type == SampleType::Int32) {
          EXPECT_EQ(memory.hash(again), hash) << value;
        }
        if (std::isnan(stored) || stored == 0) continue;
        const auto [known, fresh] = by_stored.emplace(stored, hash);
        EXPECT_EQ(known->second, hash) << value;
        if (fresh) {
          EXPECT_TRUE(by_hash.emplace(hash, stored).second) << value;
        }
      }
    }
}

}  // namespace
