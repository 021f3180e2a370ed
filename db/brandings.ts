import type { Queryable } from './transaction';

/** How a tenant's application looks to people; null: as it came. */
export interface Branding {
  /** `#rrggbb` */
  backgroundColor: string | null;
  /** PNG */
  mainLogo: Buffer | null;
  sidebarLogo: Buffer | null;
}

interface Row {
  background_color: string | null;
  main_logo: Buffer | null;
  sidebar_logo: Buffer | null;
}

const toBranding = (row: Row | undefined): Branding => ({
  backgroundColor: row?.background_color ?? null,
  mainLogo: row?.main_logo ?? null,
  sidebarLogo: row?.sidebar_logo ?? null,
});

/** Colours and logos. Public: not sealed. */
export function createBrandingRows() {
  return {
    async find(db: Queryable, tenantId: string): Promise<Branding> {
      const { rows } = await db.query<Row>(`select * from brandings where tenant_id = $1`, [tenantId]);
      return toBranding(rows[0]);
    },

    /** Changes what is given. */
    async set(db: Queryable, tenantId: string, change: Partial<Branding>): Promise<Branding> {
      const { rows } = await db.query<Row>(
        `insert into brandings as known (tenant_id, background_color, main_logo, sidebar_logo) values ($1, $2, $3, $4)
         on conflict on constraint brandings_one_a_tenant do update
            set background_color = coalesce(excluded.background_color, known.background_color),
                main_logo = coalesce(excluded.main_logo, known.main_logo),
                sidebar_logo = coalesce(excluded.sidebar_logo, known.sidebar_logo)
         returning *`,
        [tenantId, change.backgroundColor ?? null, change.mainLogo ?? null, change.sidebarLogo ?? null],
      );
      return toBranding(rows[0]);
    },
  };
}
export type BrandingRows = ReturnType<typeof createBrandingRows>;
