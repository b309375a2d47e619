// SPDX-License-Identifier: BSD-3-Clause
/*
 * sfp.c - what the SFP+ identity (10fb) has in its cage: a passive direct-attach copper cable, whose EEPROM drivers read
 * over two wires that they drive bit by bit in I2CCTL.
 *
 * Both lines are open drain: a line is high when neither side pulls it low. The driver's side is what it wrote to
 * CLK_OUT and DATA_OUT; the module's side is @pulls. The module looks at edges only:
 *
 *	data falls while clock is high	start: the next eight bits are an address
 *	data rises while clock is high	stop
 *	clock rises			a bit is taken, or the driver takes ours
 *	clock falls			the module puts its next bit or acknowledge on the line, or lets go of it
 *
 * It answers address 0xa0 (identification) alone: a passive cable has no diagnostics at 0xa2. It is written by nobody:
 * the first byte after a write address is the byte address, more are not acknowledged.
 *
 * The backplane identities have no cage; there the lines read as they are driven.
 *
 * Source: data sheet 8.2.3.1.7 (I2CCTL); I2C-bus specification 3.1; SFF-8472 chapters 4 to 7; Linux ixgbe_phy.c.
 */
#include "ixgbe/registers.h"

#include <stdio.h>

#define ADDRESS_A0 0xa0u
#define READ_BIT 1u
#define BYTE_BITS 8u

/* SFF-8472, table 4-1 and chapters 5 to 8: bytes of the identification page */
#define A0_IDENTIFIER 0
#define IDENTIFIER_SFP 0x03
#define A0_EXT_IDENTIFIER 1
#define EXT_IDENTIFIER_TWO_WIRE 0x04
#define A0_CONNECTOR 2
#define CONNECTOR_COPPER_PIGTAIL 0x21
#define A0_TECHNOLOGY 8
#define TECHNOLOGY_PASSIVE 0x04
#define A0_BIT_RATE 12
#define BIT_RATE_10G 103 /* in units of 100 MBd */
#define A0_COPPER_LENGTH 18
#define COPPER_LENGTH_M 1
#define A0_VENDOR 20
#define A0_PART 40
#define A0_REVISION 56
#define A0_CABLE_COMPLIANCE 60
#define CABLE_SFF_8431_E 0x01
#define A0_CHECK_BASE 63
#define A0_SERIAL 68
#define A0_DATE 84
#define A0_CHECK_EXT 95
#define NAME_LEN 16
#define REVISION_LEN 4
#define DATE_LEN 8

/* --- the module's memory ---------------- */

static void put_text(uint8_t *page, unsigned int at, unsigned int len, const char *text)
{
	memset(page + at, ' ', len);
	memcpy(page + at, text, MIN(strlen(text), (size_t)len));
}

/* Sum of the bytes before @check, from @from. */
static void put_check(uint8_t *page, unsigned int from, unsigned int check)
{
	uint8_t sum = 0;

	for (unsigned int i = from; i < check; i++)
		sum = (uint8_t)(sum + page[i]);
	page[check] = sum;
}

void ixgbe_sfp_init(struct ixgbe_pf *pf)
{
	const uint8_t *mac = pf->config.mac;
	uint8_t *page = pf->sfp_page;
	char serial[NAME_LEN + 1];

	snprintf(serial, sizeof(serial), "%02X%02X%02X%02X%02X%02X", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	memset(page, 0, IXGBE_SFP_PAGE);
	page[A0_IDENTIFIER] = IDENTIFIER_SFP;
	page[A0_EXT_IDENTIFIER] = EXT_IDENTIFIER_TWO_WIRE;
	page[A0_CONNECTOR] = CONNECTOR_COPPER_PIGTAIL;
	page[A0_TECHNOLOGY] = TECHNOLOGY_PASSIVE;
	page[A0_BIT_RATE] = BIT_RATE_10G;
	page[A0_COPPER_LENGTH] = COPPER_LENGTH_M;
	put_text(page, A0_VENDOR, NAME_LEN, "softiov");
	put_text(page, A0_PART, NAME_LEN, "VIRTUAL-DAC-1M");
	put_text(page, A0_REVISION, REVISION_LEN, "A");
	page[A0_CABLE_COMPLIANCE] = CABLE_SFF_8431_E;
	put_check(page, A0_IDENTIFIER, A0_CHECK_BASE);
	put_text(page, A0_SERIAL, NAME_LEN, serial);
	put_text(page, A0_DATE, DATE_LEN, "260101");
	put_check(page, A0_CHECK_BASE + 1, A0_CHECK_EXT);
}

/* --- two wires ---------------- */

static bool has_module(const struct ixgbe_pf *pf)
{
	return ixgbe_is_sfp(&pf->config);
}

static void release(struct ixgbe_i2c *i2c, uint8_t phase)
{
	i2c->phase = phase;
	i2c->bits = i2c->shift = i2c->pulls = 0;
}

/* Eight bits came in. Return: acknowledge them? */
static bool take_byte(struct ixgbe_i2c *i2c)
{
	switch (i2c->phase) {
	case IXGBE_I2C_ADDRESS:
		i2c->reading = i2c->shift & READ_BIT;
		return (i2c->shift & ~READ_BIT) == ADDRESS_A0;
	case IXGBE_I2C_OFFSET:
		i2c->offset = i2c->shift;
		return true;
	default:
		return false;
	}
}

static uint8_t next_phase(const struct ixgbe_i2c *i2c)
{
	if (i2c->phase == IXGBE_I2C_ADDRESS)
		return i2c->reading ? IXGBE_I2C_SEND : IXGBE_I2C_OFFSET;
	return IXGBE_I2C_REFUSE;
}

static void put_bit(struct ixgbe_i2c *i2c, const uint8_t *page)
{
	i2c->pulls = !(page[i2c->offset] >> (BYTE_BITS - 1 - i2c->bits) & 1);
}

static void clock_rises(struct ixgbe_i2c *i2c, bool data)
{
	if (i2c->phase == IXGBE_I2C_IDLE)
		return;
	if (i2c->bits < BYTE_BITS)
		i2c->shift = (uint8_t)(i2c->shift << 1 | data);
	else if (i2c->phase == IXGBE_I2C_SEND && data)
		i2c->phase = IXGBE_I2C_IDLE; /* the driver does not acknowledge: enough */
	i2c->bits++;
}

static void clock_falls(struct ixgbe_i2c *i2c, const uint8_t *page)
{
	bool sends = i2c->phase == IXGBE_I2C_SEND;

	if (i2c->phase == IXGBE_I2C_IDLE) {
		i2c->pulls = 0;
	} else if (i2c->bits == BYTE_BITS) {
		bool ack = !sends && take_byte(i2c);

		i2c->pulls = ack;
		if (!ack && !sends)
			release(i2c, IXGBE_I2C_IDLE);
	} else if (i2c->bits > BYTE_BITS) {
		if (sends)
			i2c->offset++;
		release(i2c, sends ? IXGBE_I2C_SEND : next_phase(i2c));
	}
	if (i2c->phase == IXGBE_I2C_SEND && i2c->bits < BYTE_BITS)
		put_bit(i2c, page);
}

static void follow_lines(struct ixgbe_i2c *i2c, const uint8_t *page, uint32_t before, uint32_t now)
{
	bool clock = now & IXGBE_I2CCTL_CLK_OUT, data = now & IXGBE_I2CCTL_DATA_OUT;
	bool clock_was = before & IXGBE_I2CCTL_CLK_OUT, data_was = before & IXGBE_I2CCTL_DATA_OUT;

	if (clock && clock_was && data != data_was)
		release(i2c, data ? IXGBE_I2C_IDLE : IXGBE_I2C_ADDRESS);
	else if (clock && !clock_was)
		clock_rises(i2c, data);
	else if (!clock && clock_was)
		clock_falls(i2c, page);
}

IXGBE_WRITE(ixgbe_write_i2cctl)
{
	struct ixgbe_pf *pf = access->pf;
	uint32_t before = reg_load(access->store);

	access_store(access, value);
	if (has_module(pf))
		follow_lines(&pf->state->i2c, pf->sfp_page, before, reg_load(access->store));
	return PCIE_DONE;
}

IXGBE_READ(ixgbe_read_i2cctl)
{
	if (*value & IXGBE_I2CCTL_CLK_OUT)
		*value |= IXGBE_I2CCTL_CLK_IN;
	if (*value & IXGBE_I2CCTL_DATA_OUT && !access->pf->state->i2c.pulls)
		*value |= IXGBE_I2CCTL_DATA_IN;
	return PCIE_DONE;
}

/* The cage says by SDP2 that something is in it. */
IXGBE_READ(ixgbe_read_esdp)
{
	if (has_module(access->pf))
		*value |= IXGBE_ESDP_SDP2;
	return PCIE_DONE;
}
