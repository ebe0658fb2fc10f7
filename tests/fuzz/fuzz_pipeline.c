/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames in sequence through every stage, as a hostile segment could send them: parse, segment, layer2, fragment, flow,
 * classify, policy, tx, with nDPI behind classify. After each input every frame must have been counted once, every
 * buffer be back, every table empty; each frame that left must have had somewhere to go.
 */
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/world.h"

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
				 uint8_t *bytes, size_t room, unsigned int seed);

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void)count;
	(void)arguments;
	world_open();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct sequence sequence;

	sequence_decode(&sequence, bytes, size);
	world_run(&sequence);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned int seed)
{
	return mutate_sequence(bytes, size, room, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
				 uint8_t *bytes, size_t room, unsigned int seed)
{
	return mutate_join(one, one_size, other, other_size, bytes, room, seed);
}
